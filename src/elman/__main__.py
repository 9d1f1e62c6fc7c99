"""`python -m elman`: the same as `elman`, for an environment whose scripts are not on the path."""

from elman.cli.main import main

if __name__ == "__main__":
    main()
