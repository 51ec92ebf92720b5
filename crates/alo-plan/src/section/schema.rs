//! JSON Schema of the shapes that have more than one form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::keyed::Section;
use super::list::{Args, Names, Paths, Requirements};
use super::reader::{Anything, Flag, Items, Megabytes, Spanned, Text};

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A map, or a list of maps that together are one.
impl<T: JsonSchema> JsonSchema for Section<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Section", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        let mut schema = T::json_schema(generator);
        schema.insert("type".to_owned(), json!(["array", "object", "null"]));
        schema.insert("items".to_owned(), nullable(&item));
        schema
    }
}

impl<T: JsonSchema> JsonSchema for Items<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}List", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "type": ["array", "null"], "items": nullable(&item) })
    }
}

fn nullable(item: &Schema) -> Json {
    json!({ "anyOf": [item, { "type": "null" }] })
}

/// Declares an inline schema.
macro_rules! inline {
    ($($type:ident: $schema:tt,)*) => {
        $(impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })*
    };
}

inline! {
    Text: { "type": ["string", "number", "boolean"] },
    Flag: { "type": "boolean" },
    Megabytes: { "type": "integer", "minimum": 0 },
    Anything: {},
    Args: { "type": ["array", "object", "null"], "items": { "type": ["object", "null"] } },
    Names: { "type": ["array", "string", "null"], "items": { "type": ["string", "number", "boolean", "object", "null"] } },
    Requirements: { "type": ["array", "string", "null"], "items": { "type": ["string", "number", "boolean", "null"] } },
    Paths: { "type": ["array", "string", "number", "boolean", "null"], "items": { "type": ["string", "number", "boolean", "null"] } },
}
