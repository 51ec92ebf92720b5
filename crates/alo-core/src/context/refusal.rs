//! The engine's no to an asset.

/// Why a call of the asset API was refused. In Python it is raised at the asset's own line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong and what to do, for the asset's author.
    pub message: String,
    /// What kind of mistake it is.
    pub kind: RefusalKind,
}

/// Kinds of refused calls, by the Python exception that they become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// A value that cannot be: `ValueError`.
    Value,
    /// A value of the wrong type: `TypeError`.
    Type,
    /// The contract between asset and engine is broken: `AssetError`.
    Contract,
}

impl RefusalKind {
    /// Name of the Python exception.
    pub fn exception(self) -> &'static str {
        match self {
            Self::Value => "ValueError",
            Self::Type => "TypeError",
            Self::Contract => "AssetError",
        }
    }
}

impl Refusal {
    /// Refuses a value.
    pub fn value(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: RefusalKind::Value }
    }

    /// Refuses a type.
    pub fn type_of(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: RefusalKind::Type }
    }

    /// Refuses a call that breaks the contract.
    pub fn contract(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: RefusalKind::Contract }
    }
}
