//! `GET /settings` and `POST /settings`: everything that can be changed while the service runs.

use super::erase::EraseView;
use super::existing_audience;
use super::layout::Layout;
use super::mail::MailView;
use super::notice::Notice;
use super::standing::Standing;
use super::{html, html_with, see_other, wants_fragment};
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::installation::{Setting, SettingSource, SettingsError};
use crate::problem::Problem;
use crate::wording::Moment;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use domain::Explanation;
use persistence::Store;

const NEXT_RUNS: usize = 3;

/// Where a setting stands on the page, by the beginning of its name. What no line names comes under the last title.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Schedule and time", &["SYNC_", "TZ"]),
    ("Contacts and values", &["LTV_", "RESPECT_", "RETENTION_", "NORMALIZER", "CLAUDE_"]),
    ("Audience and lookalike", &["AUDIENCE_", "STABLE_", "LOOKALIKE_", "VALUE_", "META_"]),
    ("Name and notifications", &["NOTIFY_", "INSTANCE_"]),
    ("Other", &[]),
];

#[derive(Template)]
#[template(path = "pages/settings.html")]
struct SettingsPage {
    layout: Layout,
    form: SettingsForm,
    mail: MailView,
    erase: EraseView,
    about: About,
}

/// What runs here.
struct About {
    licence: &'static str,
    engine: String,
    schema_version: String,
}

#[derive(Template)]
#[template(path = "partials/settings_form.html")]
struct SettingsPart {
    layout: Layout,
    form: SettingsForm,
}

/// The form after it was saved, with the header, which shows the next sync.
#[derive(Template)]
#[template(path = "partials/settings_saved.html")]
struct SettingsSaved {
    layout: Layout,
    form: SettingsForm,
}

/// The settings as the page shows them.
struct SettingsForm {
    notice: Option<Notice>,
    schedule_is_on: bool,
    next_runs: Vec<Moment>,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    settings: Vec<SettingView>,
}

pub(super) struct SettingView {
    pub(super) name: &'static str,
    title: &'static str,
    help: Vec<HelpPart>,
    pub(super) choices: Vec<ChoiceView>,
    pub(super) value: String,
    /// What the field held before a person changed it.
    drawn: String,
    /// Why the field is not what it could be.
    pub(super) remark: Option<String>,
    source: &'static str,
    /// What going back would bring; `None` when nothing is saved.
    initial: Option<String>,
    /// Whether the form that was refused asked to go back.
    go_back: bool,
    problem: Option<String>,
}

struct HelpPart {
    text: &'static str,
    is_code: bool,
}

pub(super) struct ChoiceView {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) selected: bool,
}

/// What a form sent, and what is wrong with it.
#[derive(Default)]
struct Entered {
    fields: Vec<(String, String)>,
    problems: Vec<(String, String)>,
    /// Why what was saved is not in force.
    not_in_force: Option<Explanation>,
}

pub(crate) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let is_saved = query.iter().any(|(key, value)| key == "done" && value == "settings");
    let (layout, mut form) = read(&app, &request, Entered::default()).await?;
    if is_saved && form.notice.is_none() {
        form.notice = Some(saved());
    }
    html(&SettingsPage::read(&app, layout, form).await?)
}

/// Saves what differs from the values in force; all or nothing.
pub(crate) async fn save(
    app: web::Data<App>,
    request: HttpRequest,
    CsrfForm(fields): CsrfForm<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let sent = fields.clone();
    let outcome = app
        .blocking(move |app| {
            let changes = changes(&app.installation.settings()?, &sent);
            Ok(app.installation.change_settings(&changes))
        })
        .await?;
    let fragment = wants_fragment(&request);
    let entered = match outcome {
        Ok(()) if !fragment => return Ok(see_other("/settings?done=settings")),
        Ok(()) => {
            let (mut layout, mut form) = read(&app, &request, Entered::default()).await?;
            layout.out_of_band = true;
            form.notice = Some(saved());
            return html(&SettingsSaved { layout, form });
        }
        Err(SettingsError::Refused(problems)) => Entered { fields, problems, ..Entered::default() },
        Err(SettingsError::NotInForce(why)) => Entered { not_in_force: Some(why), ..Entered::default() },
        Err(SettingsError::Store(error)) => return Err(error.into()),
    };
    let (layout, form) = read(&app, &request, entered).await?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    if fragment {
        html_with(status, &SettingsPart { layout, form })
    } else {
        html_with(status, &SettingsPage::read(&app, layout, form).await?)
    }
}

impl SettingsPage {
    async fn read(app: &web::Data<App>, layout: Layout, form: SettingsForm) -> Result<Self, Problem> {
        let about = About {
            licence: env!("CARGO_PKG_LICENSE"),
            engine: app.read(Store::engine).await?,
            schema_version: app.schema_version.clone(),
        };
        Ok(Self { layout, form, mail: MailView::read(app, None).await?, erase: EraseView::default(), about })
    }
}

/// The page with what became of an erasure.
pub(super) async fn page_with_erasure(
    app: &web::Data<App>,
    request: &HttpRequest,
    status: StatusCode,
    erase: EraseView,
) -> Result<HttpResponse, Problem> {
    let (layout, form) = read(app, request, Entered::default()).await?;
    html_with(status, &SettingsPage { erase, ..SettingsPage::read(app, layout, form).await? })
}

fn saved() -> Notice {
    Notice::done("The settings are saved.")
}

async fn read(
    app: &web::Data<App>,
    request: &HttpRequest,
    mut entered: Entered,
) -> Result<(Layout, SettingsForm), Problem> {
    let (standing, settings, next_runs, entered) = app
        .blocking(move |app| {
            let next_runs = app.installation.next_runs(NEXT_RUNS);
            entered.not_in_force = entered.not_in_force.or_else(|| app.installation.not_in_force());
            Ok((Standing::read(app)?, app.installation.settings()?, next_runs, entered))
        })
        .await?;
    let mut groups = groups(&settings, &entered);
    for setting in groups.iter_mut().flat_map(|group| &mut group.settings) {
        if setting.name == existing_audience::VARIABLE {
            existing_audience::offer(app, setting).await;
        }
    }
    let form = SettingsForm {
        notice: entered.notice(&settings),
        schedule_is_on: standing.choice.sync_enabled,
        next_runs: next_runs.into_iter().map(|at| standing.wording.minute(at)).collect(),
        groups,
    };
    Ok((Layout::new(app, request, "/settings", "Settings", &standing), form))
}

/// What a form changes. A field that is absent or as it was drawn changes nothing, so that saving one value neither nails
/// down all the others nor takes back what somebody else has saved since. A form that does not tell what was drawn is
/// compared with what is in force.
fn changes(settings: &[Setting], sent: &[(String, String)]) -> Vec<(String, Option<String>)> {
    let change = |setting: &Setting| {
        if goes_back(setting.name, sent) {
            let is_saved = setting.source == SettingSource::Saved;
            return is_saved.then(|| (setting.name.to_owned(), None));
        }
        let value = sent_value(sent, setting.name)?.trim();
        let is_as_drawn = drawn(sent, setting.name).is_some_and(|drawn| drawn.trim() == value);
        let is_changed = !is_as_drawn && value != setting.value;
        is_changed.then(|| (setting.name.to_owned(), Some(value.to_owned())))
    };
    settings.iter().filter_map(change).collect()
}

fn sent_value<'a>(sent: &'a [(String, String)], field: &str) -> Option<&'a str> {
    sent.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
}

/// The value with which the form was drawn.
fn drawn<'a>(sent: &'a [(String, String)], setting: &str) -> Option<&'a str> {
    sent_value(sent, &format!("was:{setting}"))
}

fn goes_back(setting: &str, sent: &[(String, String)]) -> bool {
    sent.iter().any(|(name, value)| name == "initial" && value == setting)
}

fn groups(settings: &[Setting], entered: &Entered) -> Vec<Group> {
    let group_of = |name: &str| {
        let named = |(_, beginnings): &(&str, &[&str])| {
            beginnings.iter().any(|beginning| name.starts_with(beginning))
        };
        GROUPS.iter().position(named).unwrap_or(GROUPS.len() - 1)
    };
    let group = |(at, (title, _)): (usize, &(&'static str, &[&str]))| Group {
        title,
        settings: settings
            .iter()
            .filter(|setting| group_of(setting.name) == at)
            .map(|setting| SettingView::new(setting, entered))
            .collect(),
    };
    GROUPS.iter().enumerate().map(group).filter(|group| !group.settings.is_empty()).collect()
}

impl Entered {
    fn problem_of(&self, setting: &str) -> Option<&str> {
        self.problems.iter().find(|(name, _)| name == setting).map(|(_, problem)| problem.as_str())
    }

    /// Says above the form that nothing was saved, and whatever has no field to stand beside; or that it is not in force.
    fn notice(&self, settings: &[Setting]) -> Option<Notice> {
        if self.problems.is_empty() {
            let why = self.not_in_force.clone()?;
            let message = format!("The settings are saved, but not in force: {}", why.message);
            return Some(Notice::refused(Explanation { message, ..why }));
        }
        let elsewhere =
            self.problems.iter().filter(|(name, _)| settings.iter().all(|setting| setting.name != name));
        let elsewhere: Vec<String> = elsewhere.map(|(name, problem)| format!("{name} {problem}.")).collect();
        let message =
            format!("Nothing was saved, because some values can not be used. {}", elsewhere.join(" "));
        Some(Notice::refused(Explanation::new(message.trim(), "Correct what is marked, then save again.")))
    }
}

impl SettingView {
    fn new(setting: &Setting, entered: &Entered) -> Self {
        let value = sent_value(&entered.fields, setting.name).unwrap_or(&setting.value).to_owned();
        let drawn = drawn(&entered.fields, setting.name).unwrap_or(&setting.value).to_owned();
        let is_saved = setting.source == SettingSource::Saved;
        Self {
            name: setting.name,
            title: setting.title,
            help: help(setting.help),
            choices: choices(setting, &value),
            drawn,
            value,
            remark: None,
            source: match setting.source {
                SettingSource::Saved => "saved here",
                SettingSource::Environment => "from the environment",
                SettingSource::Default => "default",
            },
            initial: is_saved.then(|| {
                if setting.initial.is_empty() { "empty".to_owned() } else { setting.initial.clone() }
            }),
            go_back: goes_back(setting.name, &entered.fields),
            problem: entered.problem_of(setting.name).map(str::to_owned),
        }
    }
}

/// The words to choose from, and the value itself should it not be among them.
fn choices(setting: &Setting, value: &str) -> Vec<ChoiceView> {
    if setting.choices.is_empty() {
        return vec![];
    }
    let other = (!setting.choices.contains(&value)).then_some(value);
    let words = other.into_iter().chain(setting.choices.iter().copied());
    words
        .map(|word| ChoiceView {
            value: word.to_owned(),
            text: if word.is_empty() { "not set".to_owned() } else { word.to_owned() },
            selected: word == value,
        })
        .collect()
}

/// Words between backticks are code.
fn help(text: &'static str) -> Vec<HelpPart> {
    text.split('`').enumerate().map(|(at, text)| HelpPart { text, is_code: at % 2 == 1 }).collect()
}

#[cfg(test)]
mod tests {
    use super::{changes, help};
    use crate::installation::{Setting, SettingSource};

    fn setting(name: &'static str, value: &str, source: SettingSource) -> Setting {
        Setting {
            name,
            title: "",
            help: "",
            choices: &[],
            value: value.into(),
            source,
            initial: "old".into(),
        }
    }

    #[test]
    fn only_what_differs_is_saved_and_only_what_is_saved_goes_back() {
        let settings = [
            setting("A", "1", SettingSource::Default),
            setting("B", "2", SettingSource::Saved),
            setting("C", "3", SettingSource::Environment),
            setting("D", "4", SettingSource::Saved),
        ];
        let sent = [("A", " 1 "), ("B", "9"), ("C", ""), ("initial", "B"), ("initial", "C"), ("X", "5")];
        let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(changes(&settings, &sent), [("B".to_owned(), None)]);
        let sent = [("A".to_owned(), "7".to_owned()), ("C".to_owned(), String::new())];
        let changed = [("A".to_owned(), Some("7".to_owned())), ("C".to_owned(), Some(String::new()))];
        assert_eq!(changes(&settings, &sent), changed);
    }

    #[test]
    fn a_field_that_is_as_it_was_drawn_does_not_take_back_what_was_saved_since() {
        let settings =
            [setting("A", "theirs", SettingSource::Saved), setting("B", "2", SettingSource::Default)];
        let sent = [("A", "mine"), ("was:A", "mine"), ("B", "3"), ("was:B", "2"), ("csrf", "x")];
        let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(changes(&settings, &sent), [("B".to_owned(), Some("3".to_owned()))]);
        let sent = [("A", "later"), ("was:A", "mine"), ("B", "2"), ("was:B", "1")];
        let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(changes(&settings, &sent), [("A".to_owned(), Some("later".to_owned()))]);
    }

    #[test]
    fn code_in_a_help_text_is_marked() {
        let parts: Vec<_> =
            help("such as `0 2 * * *` for two").iter().map(|part| (part.text, part.is_code)).collect();
        assert_eq!(parts, [("such as ", false), ("0 2 * * *", true), (" for two", false)]);
    }
}
