"""`dynvfx panel`: the command that opens the window."""

import subprocess
import sys


def test_the_panel_explains_itself_without_torch():
    code = (
        "import sys\nfrom plugin.cli.main import main\n"
        "try:\n    main(['panel', '--help'])\nexcept SystemExit as end:\n    print('ended', end.code)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "dynvfx panel" in done.stdout and "ended 0" in done.stdout


def test_it_is_among_the_commands():
    done = subprocess.run([sys.executable, "-m", "plugin.cli.main", "--help"], capture_output=True, text=True)
    assert "open the panel" in done.stdout
