//! What a person does on a page, and sees there.

use super::chrome::Browser;
use fantoccini::Locator;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long the page may take to show what is expected.
const PATIENCE: Duration = Duration::from_secs(20);

impl Browser {
    /// Opens a page of the installation by its address.
    pub fn open_page(&self, path: &str) {
        self.wait(self.client.goto(&format!("{}{path}", self.base))).unwrap();
    }

    pub fn reload(&self) {
        self.wait(self.client.refresh()).unwrap();
    }

    pub fn go_back(&self) {
        self.wait(self.client.back()).unwrap();
    }

    pub fn go_forward(&self) {
        self.wait(self.client.forward()).unwrap();
    }

    /// Opens a tab beside this one and goes there; the one left behind.
    pub fn open_tab(&self) -> WindowHandle {
        let tab = self.wait(self.client.new_window(true)).unwrap();
        self.go_to_tab(tab.handle)
    }

    /// Goes there; the one left behind.
    pub fn go_to_tab(&self, tab: WindowHandle) -> WindowHandle {
        let before = self.wait(self.client.window()).unwrap();
        self.wait(self.client.switch_to_window(tab)).unwrap();
        before
    }

    /// Path and query of the address.
    pub fn address(&self) -> String {
        let url = self.wait(self.client.current_url()).unwrap();
        url.as_str()[self.base.len()..].to_owned()
    }

    /// Waits until the title of the tab begins with this state.
    pub fn has_title(&self, state: &str) {
        self.wait_until(&format!("the title does not say “{state}”"), || {
            Ok(self.wait(self.client.title())?.starts_with(state))
        });
    }

    /// The words of the page as they are shown, those in a dialog included.
    pub fn text(&self) -> String {
        self.script("return document.body.innerText", vec![]).as_str().unwrap().to_owned()
    }

    /// What is read out by screen readers as it changes.
    pub fn announced(&self) -> String {
        let script = "return document.getElementById('announce').textContent.trim()";
        self.script(script, vec![]).as_str().unwrap().to_owned()
    }

    /// Waits until the part with this heading shows these words.
    pub fn sees_in(&self, heading: &str, words: &str) {
        let script = "return arguments[0].closest('section, fieldset').innerText";
        self.wait_until(&format!("“{heading}” does not say “{words}”"), || {
            let part = self.wait(self.client.execute(script, vec![json!(self.find("heading", heading))]))?;
            Ok(part.as_str().unwrap_or_default().contains(words))
        });
    }

    /// The headings of the sync shown, in its dialog or on its page.
    pub fn headings_of_run(&self) -> Vec<String> {
        let script = "const run = document.querySelector('dialog[open]') ?? document.querySelector('main'); \
                      return [...run.querySelectorAll('h1, h2, h3')].map((heading) => heading.innerText)";
        let headings = self.script(script, vec![]);
        headings.as_array().unwrap().iter().map(|heading| heading.as_str().unwrap().to_owned()).collect()
    }

    /// How many of these the page shows.
    pub fn count(&self, role: &str, name: &str) -> usize {
        self.found(role, name).unwrap().len()
    }

    /// The first of that role and name, once there is one.
    pub fn find(&self, role: &str, name: &str) -> Element {
        self.find_and(role, name, |_found| Ok(()))
    }

    pub fn is_enabled(&self, role: &str, name: &str) -> bool {
        self.wait(self.find(role, name).is_enabled()).unwrap()
    }

    pub fn press(&self, name: &str) {
        self.find_and("button", name, |button| self.wait(button.click()));
    }

    pub fn follow(&self, name: &str) {
        self.find_and("link", name, |link| self.wait(link.click()));
    }

    /// Writes over what the field holds.
    pub fn fill(&self, field: &str, text: &str) {
        self.find_and("field", field, |field| {
            self.wait(field.clear())?;
            self.wait(field.send_keys(text))
        });
    }

    /// Ticks or unticks a box.
    pub fn tick(&self, field: &str) {
        self.find_and("field", field, |field| self.wait(field.click()));
    }

    /// Chooses from a list what begins with these words.
    pub fn choose(&self, field: &str, option: &str) {
        self.find_and("field", field, |field| {
            let options = self.wait(field.find_all(Locator::Css("option")))?;
            let texts: Vec<String> =
                options.iter().map(|option| self.wait(option.text())).collect::<Result<_, _>>()?;
            let wanted = texts.iter().position(|text| text.starts_with(option));
            let wanted = wanted.unwrap_or_else(|| panic!("no “{option}” among {texts:?}"));
            self.wait(options[wanted].click())
        });
    }

    /// What is chosen or written in a field.
    pub fn value(&self, field: &str) -> String {
        let field = self.find("field", field);
        let script = "return (arguments[0].selectedOptions?.[0]?.textContent ?? arguments[0].value).trim()";
        self.script(script, vec![json!(field)]).as_str().unwrap().to_owned()
    }

    /// Waits until the page shows these words.
    pub fn sees(&self, words: &str) {
        self.wait_until(&format!("the page does not say “{words}”"), || {
            Ok(self.shown()?.contains(words))
        });
    }

    /// Waits until the page does not show these words any more.
    pub fn sees_no_more(&self, words: &str) {
        self.wait_until(&format!("the page still says “{words}”"), || Ok(!self.shown()?.contains(words)));
    }

    /// Waits until there is none of these.
    pub fn misses(&self, role: &str, name: &str) {
        self.wait_until(&format!("there is still a {role} “{name}”"), || {
            Ok(self.found(role, name)?.is_empty())
        });
    }

    /// Waits until the address is this one.
    pub fn is_at(&self, address: &str) {
        self.wait_until(&format!("the address is not {address}"), || {
            Ok(self.wait(self.client.current_url())?.as_str() == format!("{}{address}", self.base))
        });
    }

    /// Presses a key wherever the focus is.
    pub fn key(&self, key: Key) {
        let value = char::from(key);
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        self.wait(self.client.perform_actions(keys)).unwrap();
    }

    /// The words of what has the focus; empty when it is the page itself.
    pub fn focused(&self) -> String {
        let script = "const at = document.activeElement; \
                      return at === document.body ? '' : at.ariaLabel || at.labels?.[0]?.textContent || at.textContent";
        self.script(script, vec![]).as_str().unwrap().trim().to_owned()
    }

    /// Whether what has the focus is in the dialog.
    pub fn focus_is_in_dialog(&self) -> bool {
        self.script("return !!document.activeElement.closest('dialog[open]')", vec![]) == true
    }

    /// Presses Tab until what is so named has the focus.
    pub fn tab_to(&self, name: &str) {
        for _ in 0..200 {
            if self.focused() == name {
                return;
            }
            self.key(Key::Tab);
        }
        panic!("Tab does not come to “{name}”");
    }

    /// Presses Tab once around the page: the links, buttons and fields it did not come to.
    pub fn unreached_by_tab(&self) -> Vec<String> {
        let usable = "const usable = [...document.querySelectorAll('a[href], button, select, summary, input:not([type=hidden])')] \
                      .filter((part) => part.checkVisibility() && !part.disabled && !part.closest('[aria-hidden=true]'));";
        let count = self.script(&format!("{usable} return usable.length"), vec![]).as_u64().unwrap();
        assert!(count > 3, "there is too little on this page");
        self.script("window.reached = new Set(); document.activeElement.blur()", vec![]);
        for _ in 0..=count {
            self.key(Key::Tab);
            self.script("window.reached.add(document.activeElement)", vec![]);
        }
        let left = format!(
            "{usable} return usable.filter((part) => !reached.has(part)).map((part) => part.outerHTML)"
        );
        let left = self.script(&left, vec![]);
        left.as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned()).collect()
    }

    fn shown(&self) -> Result<String, CmdError> {
        let text = self.wait(self.client.execute("return document.body.innerText", vec![]))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    fn found(&self, role: &str, name: &str) -> Result<Vec<Element>, CmdError> {
        let arguments = vec![json!(role), json!(name)];
        let found = self.wait(self.client.execute(include_str!("find.js"), arguments))?;
        let id = |reference: &Value| reference.as_object()?.values().next()?.as_str().map(str::to_owned);
        let ids = found.as_array().into_iter().flatten().filter_map(id);
        Ok(ids.map(|id| Element::from_element_id(self.client.clone(), id.into())).collect())
    }

    /// A page may change between finding a thing and touching it: then it is looked for again.
    fn find_and(&self, role: &str, name: &str, act: impl Fn(&Element) -> Result<(), CmdError>) -> Element {
        let mut touched = None;
        self.wait_until(&format!("there is no {role} “{name}” to use"), || {
            if let Some(element) = self.found(role, name)?.into_iter().next() {
                act(&element)?;
                touched = Some(element);
            }
            Ok(touched.is_some())
        });
        touched.unwrap()
    }

    /// Asks until it is so. An answer may fail while the browser leaves one page for another.
    pub fn wait_until(&self, complaint: &str, mut reached: impl FnMut() -> Result<bool, CmdError>) {
        let begun = Instant::now();
        loop {
            let outcome = reached();
            if matches!(outcome, Ok(true)) {
                return;
            }
            if begun.elapsed() > PATIENCE {
                panic!("{complaint} ({:?}) at {}:\n{}", outcome.err(), self.address(), self.text());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}
