//! The kinds of faults: their stable names and severities.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::severity::Severity;

macro_rules! codes {
    ($(#[doc = $doc:literal] $variant:ident = $name:literal $severity:ident,)*) => {
        /// The kind of a fault. Its name is stable: scripts may depend on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] $variant,)*
        }

        impl Code {
            /// All kinds, in the order of `docs/diagnostics.md`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, such as `unknown-key`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What the kind is, in one sentence.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc.trim_ascii(),)*
                }
            }

            /// How bad faults of this kind are.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    /// The file does not exist.
    FileMissing = "file-missing" Error,
    /// The file exists and cannot be read.
    FileUnreadable = "file-unreadable" Error,
    /// The file is over 16 MiB.
    FileTooLarge = "file-too-large" Error,
    /// The file is not UTF-8.
    NotUtf8 = "not-utf8" Error,
    /// A character YAML does not allow.
    YamlCharacter = "yaml-character" Error,
    /// A tab where YAML allows spaces only.
    YamlTab = "yaml-tab" Error,
    /// A line is indented more or less than its neighbours.
    YamlIndentation = "yaml-indentation" Error,
    /// A key has no `:`.
    YamlColon = "yaml-colon" Error,
    /// A quote or bracket is not closed.
    YamlUnclosed = "yaml-unclosed" Error,
    /// Something is missing or surplus inside `[…]` or `{…}`.
    YamlFlow = "yaml-flow" Error,
    /// An escape in a quoted text is not known.
    YamlEscape = "yaml-escape" Error,
    /// The text of a value starts with a character that has a meaning in YAML.
    YamlQuote = "yaml-quote" Error,
    /// Any other breach of the syntax.
    YamlSyntax = "yaml-syntax" Error,
    /// The file holds several documents.
    YamlDocuments = "yaml-documents" Error,
    /// An alias without an anchor, or an anchor defined twice.
    YamlAnchor = "yaml-anchor" Error,
    /// Aliases that multiply without measure, or contain themselves.
    YamlAliasBomb = "yaml-alias-bomb" Error,
    /// Collections nested too deep.
    YamlNesting = "yaml-nesting" Error,
    /// More values than any plan has.
    YamlSize = "yaml-size" Error,
    /// A tag that would run Python code.
    PythonTag = "python-tag" Error,
    /// Any other tag that a plan cannot have.
    UnknownTag = "unknown-tag" Error,
    /// `<<` with something that is not a map.
    BadMerge = "bad-merge" Error,
    /// A list or a map as a key.
    BadKey = "bad-key" Error,
    /// A date or number that looks right and is not.
    BadScalar = "bad-scalar" Error,
    /// A key given twice in one map.
    DuplicateKey = "duplicate-key" Warning,
    /// Typographic quotes, which YAML takes as part of the text.
    TypographicQuote = "typographic-quote" Warning,
    /// The file is empty.
    EmptyPlan = "empty-plan" Error,
    /// The file is YAML and no plan.
    NotAPlan = "not-a-plan" Error,
    /// A plan of ALO 3.
    Alo3Plan = "alo3-plan" Error,
    /// A top-level key that no version of ALO knows.
    UnknownSection = "unknown-section" Warning,
    /// A key that no version of ALO knows.
    UnknownKey = "unknown-key" Warning,
    /// A key under its old name.
    OldKey = "old-key" Note,
    /// A key that has no effect any more.
    UselessKey = "useless-key" Note,
    /// A value of the wrong type.
    WrongType = "wrong-type" Error,
    /// A value that is none of those allowed.
    WrongValue = "wrong-value" Error,
    /// A number, date or boolean where text is meant.
    UnquotedText = "unquoted-text" Warning,
    /// A list written over several lines without dashes.
    FoldedList = "folded-list" Warning,
    /// A list of names with a `:` behind one of them.
    SurplusColon = "surplus-colon" Warning,
    /// A pipeline that is neither train nor inference.
    UnknownPipeline = "unknown-pipeline" Error,
    /// A step that is in no pipeline.
    StepOutsidePipeline = "step-outside-pipeline" Error,
    /// A list item without `step`.
    UnnamedStep = "unnamed-step" Error,
    /// A step name that cannot name a file.
    BadStepName = "bad-step-name" Error,
    /// Two steps of one name in a pipeline.
    DuplicateStep = "duplicate-step" Error,
    /// Step names that differ in upper and lower case only.
    StepNameCase = "step-name-case" Warning,
    /// A step of `user_parameters` that `asset_source` lacks.
    StepWithoutSource = "step-without-source" Error,
    /// A step of `asset_source` that `user_parameters` lacks.
    StepWithoutParameters = "step-without-parameters" Error,
    /// The two sections list the steps in different orders.
    StepOrder = "step-order" Warning,
    /// No pipeline has a step.
    NothingToRun = "nothing-to-run" Warning,
    /// `args` written as several maps.
    SplitArgs = "split-args" Warning,
    /// Two values for one argument.
    ConflictingArgs = "conflicting-args" Error,
    /// A source without `code`.
    MissingCode = "missing-code" Error,
    /// A git URL that cannot be one.
    BadGitUrl = "bad-git-url" Error,
    /// A password or token in a URL.
    SecretInUrl = "secret-in-url" Warning,
    /// A requirement pip would not understand.
    BadRequirement = "bad-requirement" Error,
    /// One package required twice by one step.
    DuplicateRequirement = "duplicate-requirement" Warning,
    /// A requirement that is part of Python.
    StandardLibrary = "standard-library" Warning,
    /// An external path that is empty or not a path.
    BadPath = "bad-path" Error,
    /// An `s3://` URL without a bucket.
    BadS3Url = "bad-s3-url" Error,
    /// Two data paths whose last parts are equal.
    SameFolderName = "same-folder-name" Error,
    /// A path for a pipeline the plan does not have.
    UnusedPath = "unused-path" Warning,
    /// A model to load and no inference to use it.
    ModelWithoutInference = "model-without-inference" Warning,
    /// Both ways to give S3 credentials.
    TwoCredentials = "two-credentials" Warning,
    /// A data path that is not there (yet).
    PathMissing = "path-missing" Warning,
    /// A data path that cannot be read.
    PathUnreadable = "path-unreadable" Warning,
    /// A save path that cannot be written.
    PathNotWritable = "path-not-writable" Warning,
    /// A local asset folder that is not there.
    AssetMissing = "asset-missing" Warning,
    /// The code of a step was never fetched from its repository, so it was not looked at.
    AssetNotFetched = "asset-not-fetched" Note,
    /// The folder of a step has no file `asset_<name>.py`.
    AssetFileMissing = "asset-file-missing" Error,
    /// The code of a step cannot be read.
    AssetUnreadable = "asset-unreadable" Error,
    /// The file of an asset is not Python.
    AssetSyntax = "asset-syntax" Error,
    /// The file of an asset has no class `UserAsset`.
    AssetClassMissing = "asset-class-missing" Error,
    /// `UserAsset` does not derive from `Asset`.
    AssetBaseClass = "asset-base-class" Error,
    /// `UserAsset.__init__` takes neither the parameter of ALO 2 nor the four of ALO 1.
    AssetInit = "asset-init" Error,
    /// `UserAsset` has no method `run`.
    AssetRunMissing = "asset-run-missing" Error,
    /// `run` is not decorated with `@Asset.decorator_run`.
    AssetRunUndecorated = "asset-run-undecorated" Warning,
    /// An asset of ALO 2 never calls `save_data` or `save_config`.
    AssetSaveMissing = "asset-save-missing" Error,
    /// `save_data` or `save_config` is called more than once.
    AssetSaveRepeated = "asset-save-repeated" Warning,
    /// No step of the inference pipeline calls `save_summary`.
    AssetSummaryMissing = "asset-summary-missing" Error,
    /// No step of the inference pipeline calls `get_output_path`.
    AssetOutputMissing = "asset-output-missing" Error,
    /// An argument of the plan that the asset does not read through `check_args`.
    AssetArgUnread = "asset-arg-unread" Warning,
    /// `check_args` with a `chng_type` that does not exist.
    AssetArgType = "asset-arg-type" Error,
    /// A name in `ui_args` that is not in `args`.
    UiArgUnknown = "ui-arg-unknown" Warning,
    /// A detail for a step that the pipeline does not have.
    DetailWithoutStep = "detail-without-step" Warning,
    /// A detail without a name, type, or what its type needs.
    DetailIncomplete = "detail-incomplete" Warning,
    /// A declared type that does not exist.
    DetailType = "detail-type" Warning,
    /// A value that is not of its declared type.
    ValueType = "value-type" Warning,
    /// A value outside its declared range.
    ValueRange = "value-range" Warning,
    /// A value that is not in its declared selection.
    ValueSelection = "value-selection" Warning,
}

impl Code {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
