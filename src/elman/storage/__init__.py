"""What must not be lost: atomic folders and files, logs, the run's lock, and bytes that hold no code.

Whatever happens in the middle of a write (kill -9, a full disk, a power cut), what was there before or what is new can be read.
"""

from elman.storage.canonical import from_json as from_json
from elman.storage.canonical import to_json as to_json
from elman.storage.files import append_file as append_file
from elman.storage.files import truncate_file as truncate_file
from elman.storage.files import write_file as write_file
from elman.storage.folders import folder_exists as folder_exists
from elman.storage.folders import read_folder as read_folder
from elman.storage.folders import sweep as sweep
from elman.storage.folders import write_folder as write_folder
from elman.storage.lines import LineLog as LineLog
from elman.storage.lines import read_lines as read_lines
from elman.storage.lock import RunLock as RunLock
from elman.storage.tensors import bytes_to_tensors as bytes_to_tensors
from elman.storage.tensors import tensors_to_bytes as tensors_to_bytes
