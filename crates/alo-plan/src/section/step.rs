//! The sections that list steps: their values, their sources, and the declared types of their arguments.

use super::keyed::{Keyed, Section, keyed, read_map};
use super::list::{Args, Names, Requirements};
use super::reader::{Anything, Items, Reader, Shape, Spanned, Text};
use crate::code::Code;
use crate::pointer::Pointer;
use crate::yaml::Node;

keyed! {
    /// The user's values for the steps of each pipeline.
    ParameterPipelines, "`user_parameters`", UnknownPipeline {
        /// The steps that make models.
        train_pipeline = "train_pipeline": Items<StepParameters>,
        /// The steps that use them.
        inference_pipeline = "inference_pipeline": Items<StepParameters>,
        /// Old name of `train_pipeline`.
        #[schemars(extend("deprecated" = true))]
        train_workflows = "train_workflows": Items<StepParameters>,
        /// Old name of `inference_pipeline`.
        #[schemars(extend("deprecated" = true))]
        inference_workflows = "inference_workflows": Items<StepParameters>,
    }
}

keyed! {
    /// The values for a step.
    StepParameters, "a step of `user_parameters`", UnknownKey {
        /// Name of the step. Without digits and signs it names the code: `train2` runs `asset_train.py`.
        step = "step": Text,
        /// Values for the step. A missing one has the default of the step's code.
        args = "args": Args,
        /// Names of the arguments that a user interface shows.
        ui_args = "ui_args": Names,
        /// Old name of `args`.
        #[schemars(extend("deprecated" = true))]
        parameters = "parameters": Args,
        /// Misspelt old name of `args`.
        #[schemars(extend("deprecated" = true))]
        parmeters = "parmeters": Args,
    }
}

keyed! {
    /// Where the code of the steps of each pipeline comes from.
    SourcePipelines, "`asset_source`", UnknownPipeline {
        /// The steps that make models, in the order of execution.
        train_pipeline = "train_pipeline": Items<StepSource>,
        /// The steps that use them, in the order of execution.
        inference_pipeline = "inference_pipeline": Items<StepSource>,
        /// Old name of `train_pipeline`.
        #[schemars(extend("deprecated" = true))]
        train_workflows = "train_workflows": Items<StepSource>,
        /// Old name of `inference_pipeline`.
        #[schemars(extend("deprecated" = true))]
        inference_workflows = "inference_workflows": Items<StepSource>,
    }
}

keyed! {
    /// Where the code of a step comes from.
    StepSource, "a step of `asset_source`", UnknownKey {
        /// Name of the step.
        step = "step": Text,
        /// Where its code comes from and what it requires.
        source = "source": Section<CodeSource>,
    }
}

keyed! {
    /// Where code comes from and what it requires.
    CodeSource, "`source`", UnknownKey {
        /// A git URL (http, https, ssh, `git@host:path`, file), `local` for `assets/<step>/`, or a folder: `./path`.
        code = "code": Text,
        /// Branch, tag or commit. Default: the default branch of the repository.
        branch = "branch": Text,
        /// Requirements as pip writes them; `requirements.txt` means the file beside the code.
        requirements = "requirements": Requirements,
    }
}

keyed! {
    /// Declared types of arguments.
    DetailPipelines, "`ui_args_detail`", UnknownPipeline {
        /// The steps that make models.
        train_pipeline = "train_pipeline": Items<StepDetail>,
        /// The steps that use them.
        inference_pipeline = "inference_pipeline": Items<StepDetail>,
        /// Old name of `train_pipeline`.
        #[schemars(extend("deprecated" = true))]
        train_workflows = "train_workflows": Items<StepDetail>,
        /// Old name of `inference_pipeline`.
        #[schemars(extend("deprecated" = true))]
        inference_workflows = "inference_workflows": Items<StepDetail>,
    }
}

keyed! {
    /// Declared types of the arguments of a step.
    StepDetail, "a step of `ui_args_detail`", UnknownKey {
        /// Name of the step.
        step = "step": Text,
        /// The arguments.
        args = "args": Items<ArgDetail>,
    }
}

keyed! {
    /// The declared type of an argument.
    ArgDetail, "an argument of `ui_args_detail`", UnknownKey {
        /// Name of the argument.
        name = "name": Text,
        /// What it means, for people.
        description = "description": Text,
        /// `string`, `int`, `float`, `single_selection` or `multi_selection`.
        kind = "type": Text,
        /// The value when the user gives none.
        default = "default": Anything,
        /// Lowest and highest number, or shortest and longest text.
        range = "range": Anything,
        /// The values to select from.
        selectable = "selectable": Anything,
        /// Old name of `selectable`.
        #[schemars(extend("deprecated" = true))]
        selected = "selected": Anything,
    }
}
