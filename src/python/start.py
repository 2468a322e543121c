"""
Entry of the interpreter that a worker starts: checks the version in words that every Python understands, then hands
over. Descriptor 3 leads to the worker (one JSON object a line), 4 takes stack dumps, 5 and up one channel a thread.
"""

import json
import os
import sys

if sys.version_info < (3, 9):
    version = ".".join(str(part) for part in sys.version_info[:3])
    os.write(3, (json.dumps({"failed": "version", "version": version}) + "\n").encode("ascii"))
    sys.exit(1)

# Nothing is written where the package is installed, and its folder is not the application's.
writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
from tsgate_wsgi.interpreter import main  # noqa: E402

sys.dont_write_bytecode = writes_bytecode
sys.path.pop(0)

if __name__ == "__main__":
    main()
