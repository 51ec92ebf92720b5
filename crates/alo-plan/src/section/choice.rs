//! Values that are one of a few words.

use super::reader::{Reader, Shape};
use crate::model;
use crate::pointer::Pointer;
use crate::value::Value;
use crate::yaml::{Data, Node};

/// Declares a word with a meaning for each spelling.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($word:literal => $meaning:expr,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name(pub(crate) model::$name);

        impl $name {
            const WORDS: &'static [&'static str] = &[$($word,)*];
        }

        impl Shape for $name {
            fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
                match &node.data {
                    Data::Scalar(Value::Null) => return None,
                    Data::Scalar(Value::String(word)) => match word.as_str() {
                        $($word => return Some(Self($meaning)),)*
                        _ => {}
                    },
                    _ => {}
                }
                reader.wrong_value(node, at, Self::WORDS);
                None
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word,)*] })
            }
        }
    };
}

choice! {
    /// `once` or `every`.
    Fetch {
        "once" => model::Fetch::Once,
        "every" => model::Fetch::Every,
    }
}

choice! {
    /// `memory` or `file`.
    HandOffMode {
        "memory" => model::HandOffMode::Memory,
        "file" => model::HandOffMode::File,
    }
}

choice! {
    /// `tar.gz` or `zip`.
    ArchiveFormat {
        "tar.gz" => model::ArchiveFormat::TarGz,
        "zip" => model::ArchiveFormat::Zip,
    }
}
