"""Packages that may be imported before steps run that do not ask for them.

Importing one of them neither looks at what a step may have left (files of the project, Python's own settings) nor changes
what a step could notice, apart from what `_surroundings` takes back. Of any other package nobody knows that.
"""

import importlib.util
import os

_PACKAGES = frozenset(
    (
        "numpy pandas scipy sklearn joblib threadpoolctl dateutil pytz tzdata six pyarrow polars statsmodels patsy xgboost"
        " lightgbm torch torchvision PIL cv2 skimage matplotlib openpyxl xlrd yaml tqdm packaging typing_extensions"
    ).split()
)


def is_harmless(name):
    """Whether a module, or the package that it is in, is one of these or comes with Python."""
    top = name.partition(".")[0]
    return top in _PACKAGES or _is_of_python(top)


def _is_of_python(top):
    try:
        origin = importlib.util.find_spec(top).origin
    except Exception:  # there is none; and finders are anybody's
        return False
    if origin in ("built-in", "frozen"):
        return True
    # Packages are installed in a folder of that one.
    folder = os.path.dirname(os.__file__)
    place = os.path.dirname(origin or "")
    return place in (folder, os.path.join(folder, "lib-dynload"), os.path.join(folder, top))
