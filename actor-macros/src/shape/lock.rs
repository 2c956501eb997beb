//! The lock of a shape: what the saved states of a version have, and whether a type can read all of them.

use std::fmt::Write as _;

use super::{Fault, Member, Shape};
use crate::lockfile::UPDATE;

/// A locked member.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Saved {
    path: String,
    ty: String,
    /// Whether some saved states lack it, because it came later or was removed.
    may_lack: bool,
    is_variant: bool,
}

/// What one version was saved as.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    version: i32,
    kind: String,
    members: Vec<Saved>,
}

/// All versions of a type.
#[derive(Debug, Default)]
pub(super) struct Lock {
    sections: Vec<Section>,
}

impl Lock {
    /// Reads the text of a lock, or returns the number of the line that is none.
    pub(super) fn parse(text: &str) -> Result<Self, usize> {
        let mut sections: Vec<Section> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(rest) = line.strip_prefix("version ") {
                let (version, kind) = rest.split_once(' ').ok_or(number)?;
                let version = version.parse().map_err(|_| number)?;
                if sections.iter().any(|known| known.version == version) {
                    return Err(number);
                }
                sections.push(Section {
                    version,
                    kind: kind.to_owned(),
                    members: Vec::new(),
                });
                continue;
            }
            let (is_variant, rest) = match (
                line.strip_prefix("  field "),
                line.strip_prefix("  variant "),
            ) {
                (Some(rest), _) => (false, rest),
                (None, Some(rest)) => (true, rest),
                (None, None) => return Err(number),
            };
            let (path, ty) = rest.split_once(": ").ok_or(number)?;
            let may_lack = path.ends_with('?');
            sections.last_mut().ok_or(number)?.members.push(Saved {
                path: decode(path.trim_end_matches('?')).ok_or(number)?,
                ty: ty.to_owned(),
                may_lack,
                is_variant,
            });
        }
        Ok(Self { sections })
    }

    fn section(&self, version: i32) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.version == version)
    }

    /// Finds what saved states of the same version have that `shape` cannot read.
    pub(super) fn compare(&self, shape: &Shape, shown: &str) -> Vec<Fault> {
        let Some(section) = self.section(shape.version) else {
            return Vec::new();
        };
        if section.kind != shape.kind {
            let what = format!(
                "`{}` was saved as `{}` and is `{}` now",
                shape.name, section.kind, shape.kind
            );
            return vec![fault(shape, shape.place, &what, shown, "")];
        }
        let mut faults = Vec::new();
        for member in &shape.members {
            let saved = section
                .members
                .iter()
                .find(|saved| saved.is_variant == member.is_variant && reads(member, saved));
            let problem = match saved {
                Some(saved) if !fits(&saved.ty, &member.ty) => Some((
                    format!(
                        "`{}` was saved as `{}` and is `{}` now",
                        member.path, saved.ty, member.ty
                    ),
                    String::new(),
                )),
                // A field of a variant that is new: no saved state has that variant.
                None if is_in_new_variant(section, member) => None,
                _ if member.is_variant || member.may_lack => None,
                Some(saved) if !saved.may_lack => None,
                _ => Some(lacking(section, shape, member)),
            };
            if let Some((what, help)) = problem {
                faults.push(fault(shape, member.place, &what, shown, &help));
            }
        }
        for saved in &section.members {
            let is_read = shape
                .members
                .iter()
                .any(|member| member.is_variant == saved.is_variant && reads(member, saved));
            if !is_read && (saved.is_variant || shape.denies_unknown) {
                let word = if saved.is_variant { "variant" } else { "field" };
                let what = format!(
                    "the {word} `{}` of `{}` is gone, and saved states may have it",
                    saved.path, shape.name
                );
                let help = format!(
                    "restore it, or say what it is called now with `#[serde(alias = \"{}\")]`; ",
                    last(&saved.path)
                );
                faults.push(fault(shape, shape.place, &what, shown, &help));
            }
        }
        faults
    }

    /// Adds a shape to what is locked; `anew` forgets what its version was before.
    pub(super) fn extend(&mut self, shape: &Shape, anew: bool) {
        if anew {
            self.sections
                .retain(|section| section.version != shape.version);
        }
        let Some(section) = self
            .sections
            .iter_mut()
            .find(|section| section.version == shape.version)
        else {
            self.sections.push(Section {
                version: shape.version,
                kind: shape.kind.clone(),
                members: shape
                    .members
                    .iter()
                    .map(|member| save(member, false))
                    .collect(),
            });
            self.sections.sort_by_key(|section| section.version);
            return;
        };
        let mut members = Vec::new();
        for member in &shape.members {
            let known = section
                .members
                .iter()
                .find(|saved| saved.is_variant == member.is_variant && saved.path == member.path);
            // States of before lack what is new.
            members.push(save(member, known.is_none_or(|saved| saved.may_lack)));
        }
        for saved in &section.members {
            let is_there = members
                .iter()
                .any(|member| member.is_variant == saved.is_variant && member.path == saved.path);
            if !is_there {
                members.push(Saved {
                    may_lack: !saved.is_variant || saved.may_lack,
                    ..saved.clone()
                });
            }
        }
        section.members = members;
    }

    /// Writes the text of the lock.
    pub(super) fn render(&self, shape: &Shape) -> String {
        let mut text = format!(
            "# What the saved states of `{}` have: what it reads must not change, unless its version does.\n\
             # Release builds write this file; commit it. After a change that was never released: {UPDATE}\n",
            shape.name
        );
        for section in &self.sections {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "version {} {}", section.version, section.kind);
            for saved in &section.members {
                let word = if saved.is_variant { "variant" } else { "field" };
                let mark = if saved.may_lack { "?" } else { "" };
                let path = encode(&saved.path);
                let _ = writeln!(text, "  {word} {path}{mark}: {}", saved.ty);
            }
        }
        text
    }
}

/// Locks a member.
fn save(member: &Member, is_new: bool) -> Saved {
    Saved {
        path: member.path.clone(),
        ty: member.ty.clone(),
        may_lack: !member.is_variant && (is_new || member.may_skip),
        is_variant: member.is_variant,
    }
}

/// Says whether a member is read from what was saved.
fn reads(member: &Member, saved: &Saved) -> bool {
    member.reads.contains(&saved.path)
}

/// Says whether a value that was saved as one type is read as another: the same, or one that may also be missing.
fn fits(saved: &str, now: &str) -> bool {
    saved == now || now == format!("Option<{saved}>")
}

/// Says whether a member belongs to a variant that no saved state has.
fn is_in_new_variant(section: &Section, member: &Member) -> bool {
    let is_below = |variant: &Saved| {
        let mut paths = member.reads.iter();
        paths.any(|path| {
            path.strip_prefix(&variant.path)
                .is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let mut variants = section.members.iter().filter(|saved| saved.is_variant);
    section.kind.starts_with("enum") && !variants.any(is_below)
}

/// Reads what [`encode`] wrote.
fn decode(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut path = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_once(';')?;
        path.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        path.push_str(rest);
    }
    Some(path)
}

/// Writes a path so that nothing in it is taken for a part of its line.
fn encode(path: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '%' | ':' | '?');
    path.chars().fold(String::new(), |mut text, c| {
        // Writing to a `String` cannot fail.
        let _ = if is_plain(c) {
            write!(text, "{c}")
        } else {
            write!(text, "%{:x};", u32::from(c))
        };
        text
    })
}

/// Says that saved states lack a field, and under which name it may have been saved.
fn lacking(section: &Section, shape: &Shape, member: &Member) -> (String, String) {
    let what = format!(
        "saved states of `{}` may lack the field `{}`",
        shape.name, member.path
    );
    let is_read = |saved: &&Saved| shape.members.iter().any(|member| reads(member, saved));
    let renamed = section
        .members
        .iter()
        .find(|saved| !saved.is_variant && !is_read(saved) && saved.ty == member.ty);
    let help = renamed.map_or_else(
        || "give it a value for them with `#[serde(default)]`; ".to_owned(),
        |saved| {
            let name = last(&saved.path);
            format!("if it was `{name}`, write `#[serde(rename = \"{name}\")]`; if it is new, `#[serde(default)]`; ")
        },
    );
    (what, help)
}

/// Returns the last name of a path.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Writes a fault with what can be done about each.
fn fault(shape: &Shape, place: proc_macro2::Span, what: &str, shown: &str, help: &str) -> Fault {
    let (version, next) = (shape.version, shape.version.saturating_add(1));
    let or = if help.is_empty() { "" } else { "or " };
    let message = format!(
        "{what}: version {version} is in the lock `{shown}`\nhelp: {help}{or}make it a new version: `#[state_shape(version = {next})]` here, \
         `#[state(version = {next})]` at the actor's field, and a `#[migrate_state(from = {version})]`; if version {version} was never \
         released, lock it as it is with `{UPDATE}`"
    );
    Fault::new(place, message)
}
