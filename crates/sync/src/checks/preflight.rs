//! What must be well at Meta before a run makes anything there.

use super::{Findings, WARNING, meta, needs_a_list};
use crate::error::RunError;
use crate::service::SyncService;
use domain::{Cancel, Explanation};

impl SyncService {
    /// Asks Meta for the token, the account, its terms and its customer lists, by the same findings as `check`. Returns
    /// what the run should warn about. Only reads, so it may be repeated.
    ///
    /// # Errors
    /// [`RunError::NotPrepared`] with everything that somebody has to do first; otherwise that Meta can not be asked.
    pub(crate) fn preflight(&self, cancel: &Cancel) -> Result<Vec<String>, RunError> {
        let mut findings = Findings::default();
        let parts = &self.parts;
        let settings = &parts.settings;
        let needs_a_list = needs_a_list(
            settings.audience_mode,
            settings.existing_audience.as_deref(),
            &parts.store,
            &settings.ad_account_id,
        )?;
        meta::look(&parts.meta, parts.clock.now(), needs_a_list, cancel, &mut findings)
            .map_err(RunError::edge)?;
        findings.found.iter().for_each(|sentence| log::info!("{sentence}"));
        match joined(findings.problems) {
            Some(problem) => Err(RunError::NotPrepared(problem)),
            None => Ok(findings
                .found
                .iter()
                .filter_map(|sentence| sentence.strip_prefix(WARNING))
                .map(capitalized)
                .collect()),
        }
    }
}

/// A run fails with one sentence: all problems as one, a common remedy once; the codes are those of the first that has any.
fn joined(problems: Vec<Explanation>) -> Option<Explanation> {
    problems.into_iter().reduce(|all, next| Explanation {
        message: format!("{} {}", all.message, next.message),
        remedy: if all.remedy == next.remedy {
            all.remedy
        } else {
            format!("{} {}", all.remedy, next.remedy)
        },
        provider_code: all.provider_code.or(next.provider_code),
        trace_id: all.trace_id.or(next.trace_id),
    })
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::{capitalized, joined};
    use domain::Explanation;

    #[test]
    fn several_problems_are_told_together_and_a_common_remedy_once() {
        let problem = |message: &str, remedy: &str| Explanation::new(message, remedy);
        let told =
            joined(vec![problem("A.", "Do."), problem("B.", "Do.").with_code("7"), problem("C.", "Go.")])
                .unwrap();
        assert_eq!((told.message.as_str(), told.remedy.as_str()), ("A. B. C.", "Do. Go."));
        assert_eq!(told.provider_code.as_deref(), Some("7"));
        assert_eq!(joined(Vec::new()), None);
    }

    #[test]
    fn a_warning_of_its_own_begins_with_a_capital() {
        assert_eq!(["", "the token"].map(capitalized), ["", "The token"]);
    }
}
