"""The Titanic work as a Kedro project."""
