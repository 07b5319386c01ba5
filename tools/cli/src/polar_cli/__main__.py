"""`python -m polar_cli`"""

import sys

from polar_cli.main import main

sys.exit(main())
