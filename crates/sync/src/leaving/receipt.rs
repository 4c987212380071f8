//! What an erasure did, without a word about the person.

use chrono::{DateTime, Utc};

/// What became of an erasure. Nothing in it tells who was erased, so it may be filed and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureReceipt {
    /// Its number, which the log has too.
    pub number: String,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What became of the lists at Meta.
    pub at_meta: AtMeta,
    /// Contacts with what was given, as far as they are known here; each of them was erased. By a contact id it is one.
    pub contacts: u64,
    /// Rows of earlier syncs that told of the person.
    pub records_changed: u64,
    /// Keyed hashes by which later syncs know the person again.
    pub suppressed: u64,
    /// Addresses and numbers of the person that another contact has too; they were left alone.
    pub kept_for_others: u64,
}

/// What became of the lists at Meta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtMeta {
    /// Meta took the request. It does not tell whether it found anybody.
    Removed,
    /// The request waits and is sent again by itself.
    Queued {
        /// Why, in words without personal data.
        reason: String,
    },
    /// No address and no number of the person is known here, and by a contact id Meta finds nobody.
    NothingKnown,
}

impl AtMeta {
    /// The fixed word for programs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Queued { .. } => "queued",
            Self::NothingKnown => "nothing_known",
        }
    }
}

impl ErasureReceipt {
    /// The receipt in sentences, for the terminal and the page.
    pub fn sentences(&self) -> Vec<String> {
        let mut told = vec![match &self.at_meta {
            AtMeta::Removed => {
                "Meta took the request to remove this person from every customer list of the ad account. \
                                Meta does not tell whether it found anybody."
                    .to_owned()
            }
            AtMeta::Queued { reason } => {
                format!("The removal from the lists at Meta is queued and sent as soon as possible: {reason}")
            }
            AtMeta::NothingKnown => {
                "Nothing was asked of Meta: no e-mail address and no phone number of this contact is \
                                     known here. Erase by those as well if the person was ever uploaded."
                    .to_owned()
            }
        }];
        if self.contacts > 1 {
            told.push(format!(
                "{} contacts have this e-mail address or phone number. All of them were erased.",
                self.contacts
            ));
        }
        told.push(match self.records_changed {
            0 => "No record of an earlier sync was found by what was given. One that tells of this person under other \
                  addresses or numbers is cleared by the next sync that meets the contact."
                .to_owned(),
            1 => "Name, e-mail address, phone number and contact id were taken out of 1 record of an earlier sync.".to_owned(),
            many => format!(
                "Name, e-mail address, phone number and contact id were taken out of {many} records of earlier syncs."
            ),
        });
        let hashes = if self.suppressed == 1 { "hash" } else { "hashes" };
        told.push(format!(
            "Later syncs leave this person out. All that is kept for that: {} keyed {hashes}, which can not be turned back.",
            self.suppressed
        ));
        match self.kept_for_others {
            0 => {}
            1 => told.push(
                "1 address or number that another contact has too was left alone, so that the other contact stays."
                    .to_owned(),
            ),
            many => told.push(format!(
                "{many} addresses and numbers that other contacts have too were left alone, so that the others stay."
            )),
        }
        told.push(
            "GoHighLevel itself was not changed: delete the contact there too, but after the next successful sync. It \
             removes further addresses and numbers that only GoHighLevel knows from the lists at Meta."
                .to_owned(),
        );
        told
    }
}

#[cfg(test)]
mod tests {
    use super::{AtMeta, ErasureReceipt};

    #[test]
    fn the_sentences_tell_what_was_done_and_what_was_not() {
        let receipt = ErasureReceipt {
            number: "20261121-0a1b2c3d".to_owned(),
            at: "2026-11-21T08:00:00Z".parse().unwrap(),
            at_meta: AtMeta::Queued { reason: "META_ACCESS_TOKEN is not set.".to_owned() },
            contacts: 2,
            records_changed: 2,
            suppressed: 3,
            kept_for_others: 1,
        };
        let told = receipt.sentences().join("\n");
        for part in [
            "queued and sent as soon as possible: META_ACCESS_TOKEN is not set.",
            "2 contacts have this e-mail address or phone number. All of them were erased.",
            "taken out of 2 records",
            "3 keyed hashes",
            "1 address or number that another contact has too was left alone",
            "delete the contact there too, but after the next successful sync",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let nothing = ErasureReceipt {
            at_meta: AtMeta::NothingKnown,
            contacts: 1,
            records_changed: 0,
            kept_for_others: 0,
            ..receipt
        };
        let told = nothing.sentences().join("\n");
        assert!(told.contains("Nothing was asked of Meta") && told.contains("No record"), "{told}");
        assert!(!told.contains("left alone") && !told.contains("contacts have"), "{told}");
    }
}
