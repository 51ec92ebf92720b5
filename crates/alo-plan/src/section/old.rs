//! Keys of old drafts: under another name today, or without effect.

/// What became of a key.
pub(super) enum Old {
    /// It has another name today.
    Renamed(&'static str),
    /// It never had, or no longer has, an effect; why.
    Useless(&'static str),
}

/// What became of that key of that map, if it is an old one.
pub(super) fn old_key(owner: &str, key: &str) -> Option<Old> {
    use Old::{Renamed, Useless};
    Some(match (owner, key) {
        ("`control`", "check_asset_source") => Renamed("get_asset_source"),
        ("`control`", "reset_assets") => Useless("every step sees only its own modules"),
        ("`control`", "process_log") => Useless("the process log is always written"),
        ("`external_path`", "load_train_data") => Renamed("load_train_data_path"),
        ("`external_path`", "load_inference_data") => Renamed("load_inference_data_path"),
        ("`external_path`", "save_train_artifacts") => Renamed("save_train_artifacts_path"),
        ("`external_path`", "save_inference_artifacts") => Renamed("save_inference_artifacts_path"),
        ("`external_path`", "load_s3_key_path") => {
            Useless("S3 credentials are named in `external_path_permission`")
        }
        ("`external_path`", "aws_key_profile") => Useless("it belongs in `external_path_permission`"),
        ("`user_parameters`" | "`asset_source`" | "`ui_args_detail`", "train_workflows") => {
            Renamed("train_pipeline")
        }
        ("`user_parameters`" | "`asset_source`" | "`ui_args_detail`", "inference_workflows") => {
            Renamed("inference_pipeline")
        }
        ("a step of `user_parameters`", "parameters" | "parmeters") => Renamed("args"),
        ("an argument of `ui_args_detail`", "selected") => Renamed("selectable"),
        _ => return None,
    })
}
