//! Why a saved list was not changed.

use super::EdgeError;
use crate::edges::ConditionsRefused;
use domain::foreign_text::{LONGEST, one_line};
use domain::{Explain, Explanation};

/// Why a list was not saved, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The name is empty, too long, or holds characters that are not seen.
    #[error("the name can not be used")]
    Name,
    /// Another list has the name. Two of a name can not be told apart where one is chosen.
    #[error("the name is taken")]
    NameTaken {
        /// The name of the other list. Hostile input: escape it.
        name: String,
    },
    /// Something is wrong with the conditions.
    #[error("the conditions can not be used")]
    Conditions(#[source] ConditionsRefused),
    /// There is no saved list with this id.
    #[error("there is no such saved list")]
    Unknown(String),
    /// The list is the one that is synced.
    #[error("the list is in use")]
    InUse {
        /// Its name. Hostile input: escape it.
        name: String,
    },
    /// GoHighLevel could not be asked.
    #[error("the list could not be checked")]
    Edge(#[from] EdgeError),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] persistence::StoreError),
}

impl Explain for ListError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Name => Explanation::new(
                "The name of a Smart List has 1 to 80 characters, all of them visible.",
                "Choose another name.",
            ),
            Self::NameTaken { name } => Explanation::new(
                format!("There is a Smart List \"{name}\" already."),
                "Choose another name, or change that list.",
            ),
            Self::Conditions(refused) => refused.explain(),
            Self::Unknown(id) => Explanation::new(
                format!("There is no saved Smart List \"{}\".", one_line(id, LONGEST)),
                "Only lists that were saved here can be changed or deleted.",
            ),
            Self::InUse { name } => Explanation::new(
                format!("The Smart List \"{name}\" is the one that is synced, so it was not deleted."),
                "Choose another Smart List for the sync first.",
            ),
            Self::Edge(error) => error.explain(),
            Self::Store(error) => error.explain(),
        }
    }
}
