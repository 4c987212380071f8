//! Words by which Meta's integrity rules block an audience.
//!
//! Since September 2025 a name or description that suggests the health or the financial status of its people gets an
//! audience blocked (operation status 471): it can neither be used in ads nor be the seed of a lookalike. Meta publishes
//! examples, not its list. <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>

/// Meta's examples and their nearest relatives, in lower case. Words that are as common in names without such a meaning
/// (value, top, care, dental) are left out: a refusal stops the user.
const FLAGGED: &[&str] = &[
    // money
    "affluent",
    "bankrupt",
    "bankruptcy",
    "broke",
    "credit",
    "creditworthy",
    "debt",
    "debtor",
    "earnings",
    "financial",
    "foreclosure",
    "income",
    "indebted",
    "insolvency",
    "insolvent",
    "insurance",
    "loan",
    "millionaire",
    "mortgage",
    "networth",
    "payday",
    "poor",
    "poverty",
    "rich",
    "salary",
    "salaries",
    "unemployed",
    "wealth",
    "wealthy",
    // health
    "addict",
    "addiction",
    "adhd",
    "aids",
    "alcoholic",
    "alcoholism",
    "allergies",
    "allergy",
    "alzheimer",
    "anorexia",
    "anxiety",
    "arthritis",
    "asthma",
    "autism",
    "autistic",
    "bipolar",
    "cancer",
    "covid",
    "dementia",
    "depressed",
    "depression",
    "diabetes",
    "diabetic",
    "diagnosed",
    "diagnosis",
    "disability",
    "disabled",
    "disease",
    "disorder",
    "epilepsy",
    "epileptic",
    "hepatitis",
    "hiv",
    "illness",
    "infertility",
    "insomnia",
    "medicaid",
    "medical",
    "medicare",
    "medication",
    "migraine",
    "obese",
    "obesity",
    "oncology",
    "overweight",
    "patient",
    "pregnancy",
    "pregnant",
    "psychiatric",
    "schizophrenia",
    "sick",
    "symptom",
    "tumor",
];

/// The words of a text that Meta may flag, in their order, each once, as this program spells them. Whole words count, in
/// any case and in the plural, also inside `HighIncome` and `high_income`.
pub fn flagged_words(text: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for word in words(text) {
        let singular = word.strip_suffix('s').unwrap_or(&word);
        let flagged = FLAGGED.iter().find(|flagged| **flagged == word || **flagged == singular);
        if let Some(flagged) = flagged.filter(|flagged| !found.contains(*flagged)) {
            found.push(*flagged);
        }
    }
    found
}

/// Runs of letters in lower case; a capital behind a small letter begins a new word. What two such words make together
/// (`NetWorth`) is a word as well.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in text.split(|c: char| !c.is_alphabetic()) {
        let mut word = String::new();
        let mut after_small = false;
        for c in run.chars() {
            if c.is_uppercase() && after_small {
                words.push(std::mem::take(&mut word));
            }
            after_small = c.is_lowercase();
            word.extend(c.to_lowercase());
        }
        words.push(word);
        words.push(run.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{FLAGGED, flagged_words};

    #[test]
    fn the_names_this_program_makes_pass() {
        for name in ["GHL-HighValue", "GHL-HighValue-2026-11-21-2", "GHL-HighValue-2026-11-21-LAL-US-1%", ""]
        {
            assert_eq!(flagged_words(name), [""; 0], "{name}");
        }
        let harmless =
            ["VIP customers", "Top 10 %", "Best buyers", "Dental care", "Richmond", "Accreditation"];
        for name in harmless {
            assert_eq!(flagged_words(name), [""; 0], "{name}");
        }
    }

    #[test]
    fn metas_own_examples_are_found_however_they_are_written() {
        for (name, words) in [
            ("arthritis", &["arthritis"][..]),
            ("People with DIABETES", &["diabetes"]),
            ("credit score", &["credit"]),
            ("High-Income", &["income"]),
            ("HighIncome_LOANS, loan", &["income", "loan"]),
            ("our patients' debts", &["patient", "debt"]),
            ("NetWorth", &["networth"]),
            ("HIV", &["hiv"]),
            ("AIDS", &["aids"]),
        ] {
            assert_eq!(flagged_words(name), words, "{name}");
        }
    }

    #[test]
    fn no_word_is_listed_that_could_not_be_found() {
        for word in FLAGGED {
            assert_eq!(flagged_words(word), [*word]);
        }
    }
}
