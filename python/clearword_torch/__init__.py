"""Clearword's training step in PyTorch: networks, losses and optimisers equal to those of src/, and the process around them.

`python3 -m clearword_torch` is started by `clearword train` and speaks the messages of messages.py; nothing else is meant to
use it.
"""
