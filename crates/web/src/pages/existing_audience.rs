//! The choice of an audience that already exists: those that Meta has are offered, and while Meta is silent its id can be
//! typed.

use super::settings::{ChoiceView, SettingView};
use crate::app::App;
use crate::installation::ExistingAudience;
use actix_web::rt::time::timeout;
use actix_web::web;
use domain::Explanation;
use std::time::Duration;

/// The setting that names the audience.
pub(super) const VARIABLE: &str = "STABLE_AUDIENCE_ID";

/// The page is shown after this even when Meta is silent; what it answers later is remembered for the next page.
const PATIENCE: Duration = Duration::from_secs(4);

/// Makes a choice of the field, or says why it is none.
pub(super) async fn offer(app: &web::Data<App>, setting: &mut SettingView) {
    let answer = timeout(PATIENCE, app.blocking(|app| Ok(app.audiences(false)))).await;
    let audiences = match answer {
        Ok(Ok(audiences)) => audiences,
        Ok(Err(problem)) => Err(problem.words().2),
        Err(_elapsed) => Err(Explanation::new("Meta has not answered yet.", "Reload the page in a moment.")),
    };
    match audiences {
        Ok(audiences) => setting.choices = choices(&audiences, &setting.value),
        Err(why) => {
            let typed = "Until then its id can be typed here.";
            setting.remark = Some(format!(
                "The audiences of the ad account can not be listed. {} {} {typed}",
                why.message, why.remedy
            ));
        }
    }
}

/// A new one, then what there is; what is chosen stays selectable even when Meta no longer has it.
fn choices(audiences: &[ExistingAudience], chosen: &str) -> Vec<ChoiceView> {
    let choice =
        |value: &str, text: String| ChoiceView { value: value.to_owned(), text, selected: value == chosen };
    let mut choices = vec![choice("", "A new one, made by the first sync".to_owned())];
    choices.extend(
        audiences.iter().map(|audience| choice(&audience.id, format!("{} ({})", audience.name, audience.id))),
    );
    if choices.iter().all(|choice| !choice.selected) {
        choices.push(choice(chosen, format!("{chosen} (not a value-based audience of this ad account)")));
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::choices;
    use crate::installation::ExistingAudience;

    #[test]
    fn what_is_chosen_stays_selectable() {
        let audiences = [("12", "VIP"), ("34", "VIP")]
            .map(|(id, name)| ExistingAudience { id: id.to_owned(), name: name.to_owned() });
        for (chosen, shown) in [
            ("", "A new one, made by the first sync"),
            ("34", "VIP (34)"),
            ("56", "56 (not a value-based audience of this ad account)"),
        ] {
            let choices = choices(&audiences, chosen);
            let selected: Vec<_> = choices.iter().filter(|choice| choice.selected).collect();
            assert_eq!((selected.len(), selected[0].text.as_str()), (1, shown));
            assert!(choices.len() >= 3);
        }
    }
}
