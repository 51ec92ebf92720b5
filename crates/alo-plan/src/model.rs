//! The domain types: what a plan means, without positions or dialects.

use std::fmt;

use serde::Serialize;

use crate::value::{Map, Value};

/// A whole plan: which pipelines run, on which data, with which code, and what is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// Name of the contents; `None` means the name of the project folder.
    pub name: Option<String>,
    /// Version of the contents.
    pub version: Option<String>,
    /// The pipelines in the order of execution: train before inference.
    pub pipelines: Vec<Pipeline>,
    /// Data that comes from and results that go to places outside the project.
    pub external: ExternalPaths,
    /// Credentials for S3 paths.
    pub permission: Permission,
    /// How the engine behaves.
    pub control: Control,
}

impl Plan {
    /// Starts an empty plan of that name, with every control at its default.
    ///
    /// ```
    /// use alo_plan::{Pipeline, PipelineKind, Plan, Step};
    ///
    /// let mut plan = Plan::new("orders");
    /// plan.pipelines.push(Pipeline::new(PipelineKind::Train, [Step::new("input"), Step::new("train")]));
    /// assert!(plan.pipeline(PipelineKind::Inference).is_none());
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            version: None,
            pipelines: Vec::new(),
            external: ExternalPaths::default(),
            permission: Permission::default(),
            control: Control::default(),
        }
    }

    /// The pipeline of that kind, if the plan has it.
    pub fn pipeline(&self, kind: PipelineKind) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.kind == kind)
    }
}

/// Which of the two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PipelineKind {
    /// `train_pipeline`: makes models.
    Train,
    /// `inference_pipeline`: uses them.
    Inference,
}

impl PipelineKind {
    /// Both kinds in the order of execution.
    pub const ALL: [Self; 2] = [Self::Train, Self::Inference];

    /// `train` or `inference`: as in folder and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Inference => "inference",
        }
    }

    /// `train_pipeline` or `inference_pipeline`: as in plans.
    pub fn key(self) -> &'static str {
        match self {
            Self::Train => "train_pipeline",
            Self::Inference => "inference_pipeline",
        }
    }
}

impl fmt::Display for PipelineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A list of steps run in order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pipeline {
    /// Which of the two.
    pub kind: PipelineKind,
    /// The steps in the order of execution.
    pub steps: Vec<Step>,
}

impl Pipeline {
    /// Makes a pipeline of these steps.
    pub fn new(kind: PipelineKind, steps: impl IntoIterator<Item = Step>) -> Self {
        Self { kind, steps: steps.into_iter().collect() }
    }
}

/// One step: a name, its arguments, and where its code comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// The name, unique in its pipeline.
    pub name: StepName,
    /// The user's values for the step.
    pub args: Map,
    /// Where its code comes from.
    pub source: Source,
    /// pip requirements as written; the item `requirements.txt` means the asset's own file.
    pub requirements: Vec<String>,
    /// Names of the arguments that a user interface shows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ui_args: Vec<String>,
    /// Declared types of arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ui_args_detail: Vec<ArgDetail>,
}

/// The declared type of an argument, as `ui_args_detail` gives it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArgDetail {
    /// Name of the argument.
    pub name: String,
    /// What it means, for people.
    pub description: Option<String>,
    /// Its type.
    pub kind: Option<ArgKind>,
    /// Its value when the user gives none.
    pub default: Option<Value>,
    /// Lowest and highest number, or shortest and longest text.
    pub range: Option<[Value; 2]>,
    /// The values to select from.
    pub selectable: Vec<Value>,
}

impl ArgDetail {
    /// Starts the detail of an argument of which nothing is declared.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            kind: None,
            default: None,
            range: None,
            selectable: Vec::new(),
        }
    }
}

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgKind {
    /// Text; its range is a range of lengths.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// One of the values to select from.
    SingleSelection,
    /// Some of the values to select from.
    MultiSelection,
}

impl ArgKind {
    /// All types.
    pub const ALL: [Self; 5] =
        [Self::String, Self::Int, Self::Float, Self::SingleSelection, Self::MultiSelection];

    /// The type as written in plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::SingleSelection => "single_selection",
            Self::MultiSelection => "multi_selection",
        }
    }

    /// The type of that name; `integer` is another name of `int`.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "integer" {
            return Some(Self::Int);
        }
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Step {
    /// Makes a step with no arguments, local code and no requirements.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: StepName::new(name),
            args: Map::default(),
            source: Source::Local { path: None },
            requirements: Vec::new(),
            ui_args: Vec::new(),
            ui_args_detail: Vec::new(),
        }
    }
}

/// The name of a step, as written in the plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StepName(String);

impl StepName {
    /// Takes a name as written.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The base name: everything dropped that is neither a letter nor `_`.
    ///
    /// `train2` is `train`, `inference_1` is `inference_`; letters of every script count, as they do
    /// for Python's `str.isalpha`. It names the asset's file and the folder of its models.
    ///
    /// ```
    /// assert_eq!(alo_plan::StepName::new("inference_1").base(), "inference_");
    /// ```
    pub fn base(&self) -> String {
        self.0.chars().filter(|c| c.is_alphabetic() || *c == '_').collect()
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the code of a step comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Source {
    /// A git repository.
    Git {
        /// URL as written: http, https, ssh, `git@host:path` or file.
        url: String,
        /// Branch, tag or commit; `None` is the repository's default branch.
        reference: Option<String>,
    },
    /// A folder on this machine.
    Local {
        /// The folder as written (`./path`); `None` is `code: local`, that is `assets/<step>/` if it
        /// exists, else the source of the same-named step of the other pipeline.
        path: Option<String>,
    },
}

/// `external_path`: data in and results out. Values are as written: a path or an `s3://` URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExternalPaths {
    /// Data copied to `input/train/` before the train pipeline.
    pub load_train_data_path: Vec<String>,
    /// Data copied to `input/inference/` before the inference pipeline.
    pub load_inference_data_path: Vec<String>,
    /// Where the train pipeline's archives go.
    pub save_train_artifacts_path: Option<String>,
    /// Where the inference pipeline's archives go.
    pub save_inference_artifacts_path: Option<String>,
    /// A trained model placed in `train_artifacts/models/` before inference.
    pub load_model_path: Option<String>,
}

impl ExternalPaths {
    /// The data sources of a pipeline.
    pub fn load_data(&self, kind: PipelineKind) -> &[String] {
        match kind {
            PipelineKind::Train => &self.load_train_data_path,
            PipelineKind::Inference => &self.load_inference_data_path,
        }
    }

    /// Where a pipeline's archives go.
    pub fn save_artifacts(&self, kind: PipelineKind) -> Option<&str> {
        match kind {
            PipelineKind::Train => self.save_train_artifacts_path.as_deref(),
            PipelineKind::Inference => self.save_inference_artifacts_path.as_deref(),
        }
    }
}

/// `external_path_permission`: where the S3 credentials are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Permission {
    /// A CSV file with the access key and the secret key (ALO 1.0).
    pub s3_private_key_file: Option<String>,
    /// A profile of the AWS configuration (ALO 2.x).
    pub aws_key_profile: Option<String>,
}

/// `control`: how the engine behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Control {
    /// When the code and the environment are looked up again. Default: once.
    pub get_asset_source: Fetch,
    /// When the external data is looked at again. Default: every run.
    pub get_external_data: Fetch,
    /// Keep the run's artifacts in history. Default: true.
    pub backup_artifacts: bool,
    /// Keep the run's logs in history. Default: true.
    pub backup_log: bool,
    /// Quota of the whole history in MB (1,000,000 bytes); 0 keeps only the run that has just finished, the one whose
    /// model is current, and pinned ones. Default: 1000.
    pub backup_size: u64,
    /// How `data` and `config` pass from step to step. Default: memory.
    pub interface_mode: HandOffMode,
    /// Archive format of exported inference artifacts. Default: tar.gz.
    pub save_inference_format: ArchiveFormat,
    /// Measure and log CPU and memory of every step. Default: false.
    pub check_resource: bool,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            get_asset_source: Fetch::Once,
            get_external_data: Fetch::Every,
            backup_artifacts: true,
            backup_log: true,
            backup_size: 1000,
            interface_mode: HandOffMode::Memory,
            save_inference_format: ArchiveFormat::TarGz,
            check_resource: false,
        }
    }
}

/// How often something outside the project is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fetch {
    /// Fetched once, then reused.
    Once,
    /// Looked at again at every run.
    Every,
}

/// How `data` and `config` pass from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HandOffMode {
    /// By reference, in one process.
    Memory,
    /// By files in `.asset_interface/`.
    File,
}

/// Format of an exported archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub enum ArchiveFormat {
    /// gzip-compressed tar.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// zip with deflate.
    #[serde(rename = "zip")]
    Zip,
}

impl ArchiveFormat {
    /// The format as written in plans, which is also the end of the file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        }
    }
}
