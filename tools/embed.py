#!/usr/bin/env python3
"""embed.py IN OUT: writes a file as the initialiser of a constexpr char array, for #include inside braces."""
import pathlib
import sys

data = pathlib.Path(sys.argv[1]).read_bytes()
out = pathlib.Path(sys.argv[2])
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text("".join(f"{b if b < 128 else b - 256}," + ("\n" if i % 24 == 23 else "") for i, b in enumerate(data)) + "0\n")
