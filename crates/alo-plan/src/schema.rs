//! The JSON Schema of plans, made from the types that read them.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::section::PlanFile;

/// The JSON Schema (draft 2020-12) of a plan: descriptions, defaults and allowed values, for editors.
///
/// It describes the shape of every generation from ALO 1.0 to 2.6. What relates one part of a plan to another (the same
/// steps in both sections, say) is beyond a schema; [`crate::load`] checks that.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PlanFile>();
    schema
        .insert("$id".to_owned(), json!("https://github.com/mellerikat/alo/raw/main/docs/plan.schema.json"));
    schema.insert("title".to_owned(), json!("ALO experimental plan"));
    schema.to_value()
}
