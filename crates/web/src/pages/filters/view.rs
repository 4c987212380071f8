//! The form of a saved list as its page shows it.

use super::form::{Entered, FilterForm, Row, find, operators};
use crate::pages::notice::Notice;
use chrono::NaiveDate;
use domain::foreign_text::{LONGEST, one_line};
use sync::{ConditionField, ConditionProblem, ConditionsRefused, Entry};

/// Everything the form shows.
pub(super) struct FilterView {
    pub(super) notice: Option<Notice>,
    pub(super) name: String,
    pub(super) name_problem: Option<String>,
    /// What is wrong with the conditions as a whole, or with the text.
    pub(super) problems: Vec<String>,
    pub(super) any: bool,
    pub(super) rows: Vec<RowView>,
    /// The conditions as text, when they are entered that way.
    pub(super) json: Option<String>,
    pub(super) standard_fields: Vec<FieldChoice>,
    pub(super) custom_fields: Vec<FieldChoice>,
    /// How many contacts meet the conditions, once they were counted.
    pub(super) count: Option<String>,
}

/// One condition.
pub(super) struct RowView {
    /// From 0.
    pub(super) place: usize,
    /// From 1.
    pub(super) number: usize,
    pub(super) field: String,
    pub(super) title: String,
    pub(super) operators: Vec<OperatorChoice>,
    pub(super) is_flag: bool,
    pub(super) input: &'static str,
    pub(super) value: String,
    pub(super) problem: Option<String>,
}

/// A field to add a condition on.
pub(super) struct FieldChoice {
    pub(super) name: String,
    pub(super) title: String,
}

/// What can be asked of the field of a row.
pub(super) struct OperatorChoice {
    pub(super) word: String,
    pub(super) title: String,
    pub(super) selected: bool,
}

/// What is wrong with what was entered.
#[derive(Default)]
pub(super) struct Problems {
    pub(super) notice: Option<Notice>,
    pub(super) name: Option<String>,
    pub(super) conditions: Vec<ConditionProblem>,
    /// Why the text is no JSON, or no form.
    pub(super) text: Option<String>,
}

impl Problems {
    pub(super) fn of_conditions(refused: ConditionsRefused) -> Self {
        Self { conditions: refused.0, ..Self::default() }
    }

    pub(super) fn of_text(problem: String) -> Self {
        Self { text: Some(problem), ..Self::default() }
    }

    pub(super) fn told(notice: Notice) -> Self {
        Self { notice: Some(notice), ..Self::default() }
    }
}

impl FilterView {
    pub(super) fn new(
        form: FilterForm,
        fields: &[ConditionField],
        problems: Problems,
        count: Option<String>,
    ) -> Self {
        let (beside, others): (Vec<_>, Vec<_>) = problems
            .conditions
            .iter()
            .map(|problem| (form.conditions.row_of(&problem.path), problem))
            .partition(|(row, _)| row.is_some());
        let others = others.into_iter().map(|(_, problem)| of_all(&form.conditions, problem));
        let custom = |field: &&ConditionField| field.name.starts_with(ConditionField::CUSTOM);
        let choice = |field: &ConditionField| FieldChoice { name: field.name.clone(), title: title(field) };
        let mut view = Self {
            notice: problems.notice,
            name: form.name,
            name_problem: problems.name,
            problems: problems.text.into_iter().chain(others).collect(),
            any: false,
            rows: Vec::new(),
            json: None,
            standard_fields: fields.iter().filter(|field| !custom(field)).map(choice).collect(),
            custom_fields: fields.iter().filter(custom).map(choice).collect(),
            count,
        };
        match form.conditions {
            Entered::Json(text) => view.json = Some(text),
            Entered::Rows { any, rows } => {
                let problem = |place| {
                    let mine = beside.iter().filter(|(row, _)| *row == Some(place));
                    let told: Vec<String> = mine.map(|(_, problem)| sentence(problem)).collect();
                    (!told.is_empty()).then(|| told.join(" "))
                };
                view.any = any;
                view.rows = (0..)
                    .zip(rows)
                    .map(|(place, row)| RowView::new(place, row, fields, problem(place)))
                    .collect();
            }
        }
        view
    }
}

impl RowView {
    fn new(place: usize, row: Row, fields: &[ConditionField], problem: Option<String>) -> Self {
        let known = find(&row.field, fields);
        let entry = known.map_or(Entry::Text, |field| field.question.entry);
        // What is not known any more can still be seen, and taken away.
        let offered = known.map_or_else(|| OPERATORS.map(|(word, ..)| word).to_vec(), operators);
        // What such an input can not show it empties, also a day that is written in another way.
        let is_shown = |day: NaiveDate| day.format("%F").to_string() == row.value;
        let is_day = entry == Entry::Day && (row.value.is_empty() || row.value.parse().is_ok_and(is_shown));
        let operator = |&(word, plain, of_days): &(&str, &str, &str)| {
            let title = if entry == Entry::Day { of_days } else { plain };
            OperatorChoice { word: word.to_owned(), title: title.to_owned(), selected: word == row.operator }
        };
        let of_row = |word: &str| offered.contains(&word) || word == row.operator;
        let mut operators: Vec<OperatorChoice> =
            OPERATORS.iter().filter(|(word, ..)| of_row(word)).map(operator).collect();
        // One that is not offered stays chosen, for the check to refuse: else the first would take its place unseen.
        if !row.operator.is_empty() && !operators.iter().any(|operator| operator.selected) {
            let title = one_line(&row.operator, LONGEST);
            operators.push(OperatorChoice { word: row.operator, title, selected: true });
        }
        Self {
            place,
            number: place + 1,
            title: known.map_or_else(|| one_line(&row.field, LONGEST), title),
            operators,
            is_flag: entry == Entry::Flag,
            input: if is_day { "date" } else { "text" },
            field: row.field,
            value: row.value,
            problem,
        }
    }
}

/// Every operator of a row in words, and in words for days.
const OPERATORS: [(&str, &str, &str); 10] = [
    ("eq", "is", "is"),
    ("not_eq", "is not", "is not"),
    ("contains", "contains", "contains"),
    ("not_contains", "does not contain", "does not contain"),
    ("gte", "is at least", "is on or after"),
    ("gt", "is more than", "is after"),
    ("lte", "is at most", "is on or before"),
    ("lt", "is less than", "is before"),
    ("exists", "is filled in", "is filled in"),
    ("not_exists", "is empty", "is empty"),
];

fn title(field: &ConditionField) -> String {
    one_line(&field.title, LONGEST)
}

/// Why conditions are not counted, in one line.
pub(super) fn not_counted(conditions: &Entered, problems: &[ConditionProblem]) -> String {
    let told = problems.iter().map(|problem| match conditions.row_of(&problem.path) {
        Some(place) => format!("Condition {}: {}", place + 1, sentence(problem)),
        None => of_all(conditions, problem),
    });
    format!("Not counted yet. {}", told.collect::<Vec<_>>().join(" "))
}

/// What belongs to no row.
fn of_all(conditions: &Entered, problem: &ConditionProblem) -> String {
    match conditions {
        Entered::Json(_) => format!("{} {}.", problem.path, problem.message),
        Entered::Rows { .. } => format!("The list {}.", problem.message),
    }
}

/// `The value must be a number.`
fn sentence(problem: &ConditionProblem) -> String {
    let what =
        ["field", "operator", "value"].into_iter().find(|part| problem.path.contains(&format!("].{part}")));
    format!("The {} {}.", what.unwrap_or("condition"), problem.message)
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use sync::ConditionProblem;

    #[test]
    fn a_problem_is_a_sentence() {
        for (path, words) in [
            ("filters[0].value", "The value is wrong."),
            ("filters[0].filters[1].value.gte", "The value is wrong."),
            ("filters[2].operator", "The operator is wrong."),
            ("filters[2]", "The condition is wrong."),
        ] {
            let problem = ConditionProblem { path: path.into(), message: "is wrong".into() };
            assert_eq!(sentence(&problem), words);
        }
    }
}
