//! What must hold of every page in every state: nothing wider than the screen, nothing that axe-core calls serious, in
//! light and in dark; and the pictures that people judge the pages by.

use super::chrome::{Browser, Scheme, Width};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Counts the rules that ran; one that applied to nothing on the page proves nothing.
const RUN_AXE: &str = "
    return axe.run(document, {resultTypes: ['violations']}).then((found) => ({
        rules: found.passes.length + found.violations.length + found.incomplete.length,
        serious: found.violations.filter((rule) => ['serious', 'critical'].includes(rule.impact)).map((rule) => ({
            rule: rule.id, help: rule.help, at: rule.nodes.map((node) => node.html + ' ' + node.failureSummary),
        })),
    }))";

/// The parts that stick out on the right, outside what scrolls by itself.
const TOO_WIDE: &str = "
    const page = document.documentElement;
    const dialog = document.querySelector('dialog[open]');
    const root = [page, dialog].find((box) => box && box.scrollWidth > box.clientWidth);
    if (!root) return [];
    const parts = [...root.querySelectorAll('*')].filter((part) => part.getBoundingClientRect().right > page.clientWidth);
    return [root, ...parts].map((part) => part.outerHTML.slice(0, 120));";

/// What a finger has to hit and is lower than 40 pixels; of a box it is its label. Links in a text are read, not hit.
const TOO_SMALL: &str = "
    const targets = [...document.querySelectorAll('button, select, summary, nav a, input:not([type=hidden])')]
        .filter((part) => part.checkVisibility() && !part.closest('[aria-hidden=true]'))
        .map((part) => (['checkbox', 'radio'].includes(part.type) ? part.labels[0] : part));
    return targets.filter((part) => part.getBoundingClientRect().height < 40).map((part) => part.outerHTML);";

impl Browser {
    /// Judges what is shown now as the state of that name: at two widths, in light and dark, with a picture of each.
    pub fn judge(&self, state: &str) {
        for width in [Width::Phone, Width::Desk] {
            for scheme in [Scheme::Dark, Scheme::Light] {
                self.view(width, scheme);
                self.assert_fits(state, width);
                self.take_picture(&format!("{state}-{}-{}", width.pixels(), scheme.name()));
                self.assert_accessible(state, width, scheme);
            }
        }
        self.view(Width::Narrow, Scheme::Light);
        self.assert_fits(state, Width::Narrow);
        self.view(Width::Desk, Scheme::Light);
    }

    fn assert_fits(&self, state: &str, width: Width) {
        let too_wide = self.script(TOO_WIDE, vec![]);
        assert_eq!(too_wide, json!([]), "{state}: wider than {} pixels", width.pixels());
        if width == Width::Phone {
            assert_eq!(self.script(TOO_SMALL, vec![]), json!([]), "{state}: too small for a finger");
        }
    }

    fn assert_accessible(&self, state: &str, width: Width, scheme: Scheme) {
        if self.script("return !window.axe", vec![]) == true {
            self.script(&axe(), vec![]);
        }
        let found = self.script(RUN_AXE, vec![]);
        let rules = found["rules"].as_u64().unwrap();
        println!("{state}, {} pixels, {}: {rules} rules of axe-core ran", width.pixels(), scheme.name());
        assert!(rules > 0, "{state}: axe-core did not run");
        assert_eq!(found["serious"], json!([]), "{state}, {width:?}, {scheme:?}: {:#}", found["serious"]);
    }

    /// The whole page; of a page behind a dialog only what the window shows.
    fn take_picture(&self, name: &str) {
        let dialog = self.script("return document.querySelector('dialog[open]') !== null", vec![]) == true;
        let picture = if dialog {
            self.devtools("Page.captureScreenshot", &json!({}))
        } else {
            let size = &self.devtools("Page.getLayoutMetrics", &json!({}))["cssContentSize"];
            let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
            self.devtools("Page.captureScreenshot", &json!({"captureBeyondViewport": true, "clip": clip}))
        };
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        let folder = built("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Fails when an e-mail address or a telephone number can be read on the page.
    pub fn assert_masked(&self) {
        let text = self.text();
        for word in text.split_whitespace().filter(|word| word.contains('@')) {
            let own = ["sync@example.com", "marketing@example.com"].contains(&word);
            assert!(own || word.contains("***"), "an address in full: {word}");
        }
        assert!(!text.contains("+1"), "a telephone number in full: {text}");
    }
}

fn axe() -> String {
    let file = built("axe-core/axe.min.js");
    std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; scripts/browser downloads it", file.display()))
}

/// A path in the folder of everything built.
fn built(path: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join(path)
}
