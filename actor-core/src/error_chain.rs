//! The text of an error of the user's, with its causes.
//!
//! Some errors say their cause in their own text, and others leave it to `source()`. A caller prints one line, in which each
//! cause is to be, once.

use std::error::Error;
use std::fmt;

use crate::caught::caught;

/// Writes an error and those of its causes that its text does not have, each after a colon.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, error: &(dyn Error + 'static)) -> fmt::Result {
    let Some(mut cause) = source(error) else {
        return fmt::Display::fmt(error, f);
    };
    let mut text = error.to_string();
    for _ in 0..CAUSES_MAX {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        let Some(next) = source(cause) else { break };
        cause = next;
    }
    f.write_str(&text)
}

/// Returns the cause of an error of the user's. One whose own code panics says no more.
fn source<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    caught(|| error.source()).unwrap_or_default()
}

/// Enough for every chain that a reader would follow; an error of the user's may name itself as its source.
const CAUSES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::error::{CallError, StartCause, StartError, Subject, SystemError};
    use crate::failure::Failure;
    use crate::key::{IntoKey as _, KeyError};
    use crate::message::SendError;
    use crate::store::{MigrationError, StoreError};
    use crate::timer::TimerError;

    /// An error that leaves its cause to `source()`, or says it, as its text says.
    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|link| link as _)
        }
    }

    fn link(text: &'static str, source: Option<Link>) -> Link {
        Link(text, source.map(Box::new))
    }

    #[test]
    fn each_cause_of_the_users_error_is_said_once() {
        let hidden = link("a", Some(link("b", Some(link("c", None)))));
        assert_eq!(Failure::from(hidden).to_string(), "a: b: c");
        let said = link("a: b", Some(link("b", Some(link("c", None)))));
        assert_eq!(Failure::from(said).to_string(), "a: b: c");
        let all = link("a: b: c", Some(link("b: c", Some(link("c", None)))));
        assert_eq!(Failure::from(all).to_string(), "a: b: c");
        assert_eq!(Failure::from(link("a", None)).to_string(), "a");
    }

    #[test]
    fn an_error_that_is_its_own_cause_ends() {
        #[derive(Debug)]
        struct Circle;
        impl fmt::Display for Circle {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("round")
            }
        }
        impl Error for Circle {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }
        assert_eq!(Failure::from(Circle).to_string(), "round");
    }

    fn disk() -> Arc<StoreError> {
        let source = io::Error::other("no space left");
        Arc::new(StoreError::io("sync", Path::new("/data/log"))(source))
    }

    fn user() -> Failure {
        Failure::from(link("outer", Some(link("inner", None))))
    }

    fn subject() -> Subject {
        Subject {
            actor: "room",
            key: "a".into_key().unwrap(),
        }
    }

    fn start(cause: StartCause) -> Box<dyn Error> {
        Box::new(CallError::Start(Arc::new(StartError {
            subject: subject(),
            step: None,
            hook: None,
            cause,
        })))
    }

    /// One error of each kind that has a cause.
    fn errors() -> Vec<Box<dyn Error>> {
        let path = PathBuf::from("/data/a");
        let database = || diesel::result::Error::NotFound;
        let (subject, name) = (subject(), "act");
        let timer = TimerError::Period {
            period: Duration::ZERO,
        };
        let panicked = Arc::new(CallError::Panicked {
            subject: subject.clone(),
            name,
            panic: "boom".to_owned(),
        });
        let shared = || user().into_shared();
        let key = || CallError::Key {
            actor: "room",
            source: KeyError::NoParts,
        };
        vec![
            Box::new(key()),
            Box::new(SendError::Receiver { source: key() }),
            Box::new(CallError::Failed {
                subject: subject.clone(),
                name,
                source: shared(),
            }),
            Box::new(CallError::FailedTooOften {
                subject: subject.clone(),
                crashes: 6,
                window: Duration::from_secs(30),
                name,
                panic: "boom".to_owned(),
                retry_after: Duration::from_secs(30),
                source: panicked,
            }),
            Box::new(CallError::Timer { source: timer }),
            Box::new(CallError::Store {
                subject: subject.clone(),
                name,
                source: Arc::new(StoreError::Lost { source: disk() }),
            }),
            start(StartCause::Failed(user())),
            start(StartCause::Store(Arc::new(StoreError::LogFull {
                source: disk(),
            }))),
            start(StartCause::Migration(Arc::new(MigrationError::StateStep {
                from: 1,
                hook: "step",
                source: shared(),
            }))),
            Box::new(MigrationError::Failed {
                version: "1",
                name: "1_a",
                source: shared(),
            }),
            Box::new(MigrationError::DataStep {
                version: "1",
                hook: "step",
                source: shared(),
            }),
            Box::new(SystemError::Store(StoreError::Poisoned { source: disk() })),
            Box::new(StoreError::Sqlite {
                doing: "read",
                path: path.clone(),
                source: database(),
            }),
            Box::new(StoreError::Open {
                path,
                source: diesel::ConnectionError::BadConnection("bad".to_owned()),
            }),
        ]
    }

    #[test]
    fn a_message_has_every_cause_once_and_is_one_line() {
        for error in errors() {
            let text = error.to_string();
            assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
            let mut cause = error.source();
            assert!(cause.is_some(), "{text}");
            while let Some(source) = cause {
                let words = source.to_string();
                // Of the panic in it only the text is repeated: the name stands before it.
                let words = words
                    .rsplit_once("panicked: ")
                    .map_or(&*words, |(_, text)| text);
                assert_eq!(text.matches(words).count(), 1, "`{words}` in `{text}`");
                cause = source.source();
            }
        }
    }

    /// Returns the messages of the variants in `code` that have a cause and do not say it.
    fn silent(code: &str) -> Vec<String> {
        let mut found = Vec::new();
        let (mut message, mut is_open) = (String::new(), false);
        for line in code.lines().map(str::trim) {
            if line.starts_with("#[error(") {
                message.clear();
                is_open = true;
            }
            if is_open {
                message.push_str(line);
                is_open = !line.ends_with(")]");
            }
            let is_cause = line.contains("#[source]") || line.contains("#[from]");
            let says = ["{source}", "{source:", "{0}", "{panic}", "transparent"];
            if is_cause && !says.iter().any(|word| message.contains(word)) {
                found.push(message.clone());
            }
        }
        found
    }

    #[test]
    fn every_message_in_the_code_says_its_cause() {
        fn look(dir: &Path, found: &mut Vec<String>, files: &mut usize) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    look(&path, found, files);
                } else if path.extension().is_some_and(|extension| extension == "rs")
                    && !path.ends_with("error_chain.rs")
                {
                    let code = std::fs::read_to_string(&path).unwrap();
                    *files += usize::from(code.contains("#[error("));
                    found.extend(silent(&code));
                }
            }
        }
        let (mut found, mut files) = (Vec::new(), 0);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        look(&source, &mut found, &mut files);
        assert_eq!(found, [""; 0]);
        assert!(files >= 5, "{files}");
        let broken = "#[error(\"bad key\")]\nKey {\n#[source]\nsource: KeyError }";
        assert_eq!(silent(broken), ["#[error(\"bad key\")]"]);
    }
}
