//! Data, artifacts, summaries, archives and run history for alo.
