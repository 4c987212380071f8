//! What must be well at Meta before a run makes anything there.

use super::{Findings, WARNING, meta};
use crate::error::RunError;
use crate::service::SyncService;
use domain::{Cancel, Explanation};

impl SyncService {
    /// Asks Meta for the token, the account, its terms and its customer lists, by the same findings as `check`. Returns
    /// what the run should warn about. Only reads, so it may be repeated.
    ///
    /// # Errors
    /// [`RunError::NotPrepared`] with everything that somebody has to do first; otherwise that Meta can not be asked.
    pub fn preflight(&self, cancel: &Cancel) -> Result<Vec<String>, RunError> {
        let mut findings = Findings::default();
        let parts = &self.parts;
        meta::look(&parts.meta, parts.clock.now(), cancel, &mut findings).map_err(RunError::edge)?;
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

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// All problems as one; the codes are those of the first that has any.
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
