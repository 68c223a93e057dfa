"""Call a function and print its result: `python -m tests.inside <module>:<function> <arguments>`.

The arguments are a JSON list, and the result is printed as JSON.
"""

import json
import sys
from pkgutil import resolve_name

import django

if __name__ == "__main__":
    django.setup()
    function, arguments = sys.argv[1:]
    print(json.dumps(resolve_name(function)(*json.loads(arguments))))
