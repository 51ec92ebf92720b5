//! The whole file and its plain sections.

use super::choice::{ArchiveFormat, Fetch, HandOffMode};
use super::keyed::{Keyed, Section, keyed, read_map};
use super::list::Paths;
use super::reader::{Flag, Megabytes, Reader, Shape, Spanned, Text};
use super::step::{DetailPipelines, ParameterPipelines, SourcePipelines};
use crate::code::Code;
use crate::pointer::Pointer;
use crate::yaml::Node;

keyed! {
    /// An experimental plan of ALO 1.0 to 2.6.
    PlanFile, "the plan", UnknownSection {
        /// Name of the contents. Default: the name of the project folder.
        name = "name": Text,
        /// Version of the contents.
        version = "version": Text,
        /// Data that comes from places outside the project, and where results go.
        external_path = "external_path": Section<External>,
        /// Credentials for `s3://` paths.
        external_path_permission = "external_path_permission": Section<Permission>,
        /// The user's values for the steps of each pipeline.
        user_parameters = "user_parameters": Section<ParameterPipelines>,
        /// Where the code of the steps of each pipeline comes from. Its order is the order of execution.
        asset_source = "asset_source": Section<SourcePipelines>,
        /// How the engine behaves.
        control = "control": Section<Control>,
        /// Declared types of arguments, used to check `args`.
        ui_args_detail = "ui_args_detail": Section<DetailPipelines>,
    }
}

keyed! {
    /// Data that comes from places outside the project, and where results go.
    External, "`external_path`", UnknownKey {
        /// Data copied to `input/train/` before the train pipeline: a path or `s3://` URL, or a list of them.
        load_train_data_path = "load_train_data_path": Paths,
        /// Data copied to `input/inference/` before the inference pipeline: a path or `s3://` URL, or a list of them.
        load_inference_data_path = "load_inference_data_path": Paths,
        /// Where the archives of the train pipeline go: a folder or an `s3://` URL.
        save_train_artifacts_path = "save_train_artifacts_path": Text,
        /// Where the archives of the inference pipeline go: a folder or an `s3://` URL.
        save_inference_artifacts_path = "save_inference_artifacts_path": Text,
        /// A trained model placed in `train_artifacts/models/` before inference: a `model.tar.gz` or a folder.
        load_model_path = "load_model_path": Text,
        /// Old name of `load_train_data_path`.
        #[schemars(extend("deprecated" = true))]
        load_train_data = "load_train_data": Paths,
        /// Old name of `load_inference_data_path`.
        #[schemars(extend("deprecated" = true))]
        load_inference_data = "load_inference_data": Paths,
        /// Old name of `save_train_artifacts_path`.
        #[schemars(extend("deprecated" = true))]
        save_train_artifacts = "save_train_artifacts": Text,
        /// Old name of `save_inference_artifacts_path`.
        #[schemars(extend("deprecated" = true))]
        save_inference_artifacts = "save_inference_artifacts": Text,
        /// Without effect: credentials are named in `external_path_permission`.
        #[schemars(extend("deprecated" = true))]
        load_s3_key_path = "load_s3_key_path": Text,
        /// Without effect here: it belongs in `external_path_permission`.
        #[schemars(extend("deprecated" = true))]
        aws_key_profile = "aws_key_profile": Text,
    }
}

keyed! {
    /// Credentials for `s3://` paths. Default: the environment, then the default chain of the platform.
    Permission, "`external_path_permission`", UnknownKey {
        /// A CSV file with a header and one row: access key, secret key.
        s3_private_key_file = "s3_private_key_file": Text,
        /// A profile of the AWS configuration.
        aws_key_profile = "aws_key_profile": Text,
    }
}

keyed! {
    /// How the engine behaves.
    Control, "`control`", UnknownKey {
        /// `once`: the pinned code and the built environment are reused. `every`: the branch is looked up at each run; packages are those of `alo.lock`, which `alo update` refreshes.
        #[schemars(extend("default" = "once"))]
        get_asset_source = "get_asset_source": Fetch,
        /// `once`: data already loaded from the same path is not looked at again. `every`: it is checked at each run.
        #[schemars(extend("default" = "every"))]
        get_external_data = "get_external_data": Fetch,
        /// Keep the artifacts of each run in the history.
        #[schemars(extend("default" = true))]
        backup_artifacts = "backup_artifacts": Flag,
        /// Keep the logs of each run in the history.
        #[schemars(extend("default" = true))]
        backup_log = "backup_log": Flag,
        /// Quota of the whole history in MB.
        #[schemars(extend("default" = 1000))]
        backup_size = "backup_size": Megabytes,
        /// How `data` and `config` pass from step to step.
        #[schemars(extend("default" = "memory"))]
        interface_mode = "interface_mode": HandOffMode,
        /// Archive format of exported inference artifacts.
        #[schemars(extend("default" = "tar.gz"))]
        save_inference_format = "save_inference_format": ArchiveFormat,
        /// Measure and log CPU and memory of every step.
        #[schemars(extend("default" = false))]
        check_resource = "check_resource": Flag,
        /// Old name of `get_asset_source`.
        #[schemars(extend("deprecated" = true))]
        check_asset_source = "check_asset_source": Fetch,
        /// Without effect: every step sees only its own modules.
        #[schemars(extend("deprecated" = true))]
        reset_assets = "reset_assets": Flag,
        /// Without effect: the process log is always written.
        #[schemars(extend("deprecated" = true))]
        process_log = "process_log": Flag,
    }
}
