"""The CDK app. It runs on Node, which the environment brings as a wheel: found even when the PATH does not name it."""

import os
import sys
from pathlib import Path

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
