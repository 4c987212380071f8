//! The fixed words of the API.

use serde::Serialize;
use utoipa::ToSchema;

/// An enum of the API beside the one inside it stands for. The compiler sees to it that none is forgotten.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident for $inside:path { $($(#[$vmeta:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[$vmeta])* $variant,)+ }

        impl From<$inside> for $name {
            fn from(inside: $inside) -> Self {
                match inside { $(<$inside>::$variant => Self::$variant,)+ }
            }
        }
    };
}

words! {
    /// What started a run.
    Trigger for domain::run::Trigger {
        /// A person on the dashboard, or a program through this API.
        Manual,
        /// The schedule.
        Scheduled,
        /// The schedule, for a time missed while the machine was off.
        MadeUp,
        /// The command line.
        Cli,
    }
}

words! {
    /// How a run stands.
    RunStatus for domain::run::RunStatus {
        /// Still going.
        Running,
        /// Every step before `notify` ended well.
        Success,
        /// A step before `notify` failed.
        Failed,
        /// Stopped by a person or by the end of the service.
        Cancelled,
    }
}

words! {
    /// The steps of a run, in order.
    StepName for domain::run::Step {
        /// Reading the contacts of the list.
        Fetch,
        /// Reading the lifetime values as money.
        ReadLtv,
        /// Ranking the values.
        Normalize,
        /// Building and hashing the match keys.
        Hash,
        /// Creating the custom audience.
        CreateAudience,
        /// Uploading the rows.
        Upload,
        /// Waiting until Meta has processed the upload.
        Wait,
        /// Creating the lookalike.
        Lookalike,
        /// Recording contacts and figures.
        Save,
        /// Sending the e-mail.
        Notify,
    }
}

words! {
    /// How a step stands.
    StepStatus for domain::run::StepStatus {
        /// Begun, not ended.
        Running,
        /// Ended well.
        Done,
        /// Ended with an error.
        Failed,
        /// Nothing to do.
        Skipped,
    }
}

words! {
    /// How a lookalike stands.
    LookalikeStatus for domain::run::LookalikeStatus {
        /// None was asked for yet.
        None,
        /// Meta has not matched the seed yet; it is created later.
        Pending,
        /// It exists at Meta.
        Created,
        /// Meta refused it for good.
        Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::{LookalikeStatus, RunStatus, StepName, StepStatus, Trigger};
    use serde_json::json;

    #[test]
    fn the_words_are_those_of_the_database() {
        use domain::run;
        for word in run::Trigger::ALL {
            assert_eq!(json!(Trigger::from(*word)), word.as_str());
        }
        for word in run::RunStatus::ALL {
            assert_eq!(json!(RunStatus::from(*word)), word.as_str());
        }
        for word in run::Step::ALL {
            assert_eq!(json!(StepName::from(*word)), word.as_str());
        }
        for word in run::StepStatus::ALL {
            assert_eq!(json!(StepStatus::from(*word)), word.as_str());
        }
        for word in run::LookalikeStatus::ALL {
            assert_eq!(json!(LookalikeStatus::from(*word)), word.as_str());
        }
    }
}
