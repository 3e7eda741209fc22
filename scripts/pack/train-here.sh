#!/usr/bin/env bash
# Trains on a machine that has nothing but Python with PyTorch.
#
#   bash train-here.sh SECONDS OUT DATA [BEFORE]
#
# SECONDS are those of everything, until OUT is complete. DATA is the folder that the configuration calls `data`. BEFORE is an
# OUT of an earlier part, which the run goes on from. PYTHON names the interpreter. PARITY=1 first compares a step of the
# device with one of the CPU. OUT gets versions and rates (report.txt), what was said (progress.txt), log.jsonl, the averaged
# weights as a model in half precision, and the last checkpoint in pieces.
set -euo pipefail

here=${BASH_SOURCE[0]%/*}
[ "$here" = "${BASH_SOURCE[0]}" ] && here=.
here=$(cd "$here" && pwd)
export CLEARWORD_PYTHON=${PYTHON:-python3}
export CLEARWORD_BEGAN=${EPOCHSECONDS:-}
if [ -z "${NODE:-}" ]; then
  NODE=${TMPDIR:-/tmp}/clearword-node
  # Unpacked by Python: a bare machine has no xz.
  "$CLEARWORD_PYTHON" - "$here/node.xz" "$NODE" <<'PYTHON'
import lzma, os, shutil, sys
source, target = sys.argv[1:]
if not os.path.exists(target):
    with lzma.open(source) as packed, open(target + ".part", "wb") as out:
        shutil.copyfileobj(packed, out, 1 << 20)
    os.chmod(target + ".part", 0o755)
    os.replace(target + ".part", target)
PYTHON
fi
exec "$NODE" "$here/train-here.mjs" "$@"
