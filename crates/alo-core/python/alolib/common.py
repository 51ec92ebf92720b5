"""Small functions that assets of the first generation import: paths, argument checks and data frames."""

import os


def check_path(_filename, remake=False):
    """Makes the folder of a file name; tells whether it was there. `remake=True` empties a folder that was."""
    folder = os.path.dirname(_filename)
    if not folder:
        return True
    if not os.path.exists(folder):
        os.makedirs(folder)
        return False
    if remake:
        import shutil

        shutil.rmtree(folder)
        os.makedirs(folder)
    return True


def replace_pattern(_str, _old, _new, _ord):
    """Replaces the occurrence number `_ord` of a text (1 is the first, -1 the last); 'none' if there is none."""
    if _ord == 0:
        return "none"
    forward = _ord > 0
    at = -len(_old) if forward else len(_str)
    for _ in range(abs(_ord)):
        at = _str.find(_old, at + len(_old)) if forward else _str.rfind(_old, 0, at)
        if at < 0:
            return "none"
    return _str[:at] + _new + _str[at + len(_old) :]


def check_arg_values(arg_key, arg_range, reg_pattern=""):
    """Raises a `ValueError` for a value, or an item of a list, outside of `arg_range`; a pattern is not enforced."""
    if reg_pattern:
        return
    values = arg_key if isinstance(arg_key, list) else [arg_key]
    if any(value not in arg_range for value in values):
        raise ValueError("the argument `%s` is not one of %s" % (arg_key, arg_range))


def check_columns_existence(df, columns):
    """Raises a `ValueError` that names the columns the data frame lacks; empty names are passed over."""
    missing = [column for column in columns if column != "" and column not in df.columns]
    if missing:
        raise ValueError("the data frame has no columns %s" % missing)


def check_and_remove_duplicates(df, group_columns, time_column):
    """Drops, in place, rows whose time was seen before if any group has a time twice; prints what it finds."""
    for name, group in df.groupby(group_columns):
        if group[time_column].duplicated().any():
            print("group %s: duplicate values in `%s`, keeping the first of each" % (name, time_column))
            df.drop_duplicates(subset=[time_column], keep="first", inplace=True)
        else:
            print("group %s: no duplicate values in `%s`" % (name, time_column))


def make_group_by(df, group_cnt, group_keys, keys):
    """Gives the rows of a data frame that belong to one group of up to three columns."""
    if group_cnt > 3:
        raise ValueError("rows can be grouped by at most 3 columns, not by %s" % group_cnt)
    rows = None
    for column, key in list(zip(group_keys, keys))[: max(group_cnt, 1)]:
        matches = df[column] == key
        rows = matches if rows is None else rows & matches
    return df[rows].reset_index(drop=True)


def check_performance(config, stepname, runtime):
    """Prints run time, load and memory, and notes them in `config` under the step's name."""
    percent = 100.0 * os.getloadavg()[0] / (os.cpu_count() or 1)
    total, available = _memory()
    used = total - available
    print("[SYSTEM] %s asset -> run time : %.2f sec" % (stepname, runtime))
    print("[SYSTEM] Total CPU: %.2f%%" % percent)
    print("[SYSTEM] Total Memory: %.2f GB" % total)
    print("[SYSTEM] Available Memory: %.2f GB" % available)
    print("[SYSTEM] Current Memory Usage: %.2f%%" % (100.0 * used / total if total else 0.0))
    for key, value in (("runtime", runtime), ("cpu_usage", percent), ("mem_usage", used)):
        config.setdefault(key, {})[stepname] = value


def display_version(_class_name, _path):
    """Prints the latest tag and commit of the git repository at a folder."""
    print("[Name]\t\t: %s" % _class_name)
    print("[latest tag]\t: %s" % get_latest_tag(_path))
    print("[git log]\n%s" % (_git(_path, "log", "-1") or "none"))


def get_latest_tag(_path):
    """Gives the latest tag of the git repository at a folder, or 'none'."""
    return _git(_path, "describe", "--tags", "--abbrev=0") or "none"


def _git(path, *arguments):
    import subprocess

    try:
        done = subprocess.run(
            ["git", *arguments], cwd=path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _memory():
    """Gives total and available memory in GiB."""
    pages = os.sysconf("SC_PAGE_SIZE") / 1024**3
    total = os.sysconf("SC_PHYS_PAGES") * pages
    try:
        return total, os.sysconf("SC_AVPHYS_PAGES") * pages
    except (OSError, ValueError):  # not on macOS
        return total, 0.0
