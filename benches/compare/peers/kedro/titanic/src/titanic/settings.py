"""The settings of the project: Kedro's defaults."""
