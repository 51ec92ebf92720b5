//! Which generation of ALO a plan was written for. All of 1.0 to 2.6 mean the same here; the name is for people.

use std::fmt;

use serde::Serialize;

use crate::yaml::{Data, Node};

/// A generation of the plan language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub enum Dialect {
    /// A draft of October 2023, before 1.0: keys under other names.
    #[serde(rename = "draft")]
    Draft,
    /// ALO 1.0 and 2.0.
    #[serde(rename = "1.0")]
    V1_0,
    /// ALO 2.1: `load_model_path`.
    #[serde(rename = "2.1")]
    V2_1,
    /// ALO 2.2: `ui_args` and `ui_args_detail`.
    #[serde(rename = "2.2")]
    V2_2,
    /// ALO 2.2.1: `name` and `aws_key_profile`.
    #[serde(rename = "2.2.1")]
    V2_2_1,
    /// ALO 2.3: `version`, and no `get_external_data` any more.
    #[serde(rename = "2.3")]
    V2_3,
    /// ALO 2.4 to 2.6: `save_inference_format` and `check_resource`.
    #[serde(rename = "2.4")]
    V2_4,
    /// ALO 3, another language, which is not run.
    #[serde(rename = "3")]
    Alo3,
}

impl Dialect {
    /// The name as in the JSON report: the first version of the generation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::V1_0 => "1.0",
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_2_1 => "2.2.1",
            Self::V2_3 => "2.3",
            Self::V2_4 => "2.4",
            Self::Alo3 => "3",
        }
    }

    /// Tells the generation by the keys that are there; `None` for a document that is no plan.
    pub(crate) fn of(root: &Node) -> Option<Self> {
        let has = |path: &[&str]| contains(root, path);
        if has(&["solution"]) {
            return Some(Self::Alo3);
        }
        let sections =
            ["user_parameters", "asset_source", "control", "external_path", "external_path_permission"];
        if !sections.iter().any(|section| has(&[section])) {
            return None;
        }
        let draft = has(&["control", "check_asset_source"])
            || has(&["external_path", "load_train_data"])
            || has(&["asset_source", "train_workflows"])
            || (has(&["external_path", "load_s3_key_path"]) && !has(&["external_path_permission"]));
        let old_data = has(&["control", "get_external_data"]);
        Some(if draft {
            Self::Draft
        } else if has(&["control", "save_inference_format"]) || has(&["control", "check_resource"]) {
            Self::V2_4
        } else if has(&["version"]) || (has(&["name"]) && !old_data) {
            Self::V2_3
        } else if has(&["name"]) || has(&["external_path_permission", "aws_key_profile"]) {
            Self::V2_2_1
        } else if has(&["ui_args_detail"]) || has(&["user_parameters", "train_pipeline", "ui_args"]) {
            Self::V2_2
        } else if has(&["external_path", "load_model_path"]) {
            Self::V2_1
        } else {
            Self::V1_0
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a chain of keys is there, looking through lists.
fn contains(node: &Node, path: &[&str]) -> bool {
    match (&node.data, path) {
        (_, []) => true,
        (Data::List(items), _) => items.iter().any(|item| contains(item, path)),
        (Data::Map(entries), [first, rest @ ..]) => {
            entries.iter().any(|entry| entry.name() == *first && contains(&entry.value, rest))
        }
        (Data::Scalar(_), _) => false,
    }
}
