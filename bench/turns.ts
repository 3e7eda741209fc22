/**
 * Passes of several networks in turns, so that whatever else the machine does meets all of them.
 */
import type { HostTensors } from '../src/runtime/protocol.ts';
import type { Session } from '../src/runtime/session.ts';

export interface Pass {
  readonly session: Session;
  readonly feeds: HostTensors;
}

/** Milliseconds of each pass, `rounds` of each network. One more round comes before and is not counted: it takes memory and packs weights. */
export async function passesInTurns(passes: readonly Pass[], rounds: number): Promise<number[][]> {
  const times: number[][] = passes.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { session, feeds }] of passes.entries()) {
      const { busy } = await session.run(feeds);
      if (round > 0) times[i]?.push(busy);
    }
  }
  return times;
}
