//! What is told of a panic: where it was, in the log and on standard error, and its words only when they are a text of the
//! program. Words that are put together hold values, such as the name that a slice of text did not fit.

use std::io::Write;
use std::panic::PanicHookInfo;

/// Takes the place of the standard library's own words, from now on.
pub fn tell_without_data() {
    std::panic::set_hook(Box::new(|panic| {
        let told = told(panic);
        // Whoever runs a command without a log looks here; nothing is left to be done when even this fails.
        let _ = writeln!(std::io::stderr(), "{told}");
        log::error!("{told}");
    }));
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    let words = panic.payload().downcast_ref::<&'static str>().copied();
    format!(
        "a fault of this program: the thread {name} panicked at {place}: {}",
        words.unwrap_or("(words with data)")
    )
}

#[cfg(test)]
mod tests {
    use super::told;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_panic_tells_its_place_and_none_of_the_data() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| keep.lock().unwrap().push(told(panic))));
        let name = "Müller";
        for panics in [|_: &str| panic!("a text of the program"), |name: &str| drop(name[..2].to_owned())] {
            assert!(std::panic::catch_unwind(|| panics(name)).is_err());
        }
        std::panic::set_hook(before);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].contains("panics.rs:") && seen[0].ends_with(": a text of the program"), "{seen:?}");
        assert!(seen[1].contains("panics.rs:") && !seen[1].contains("ller"), "{seen:?}");
    }
}
