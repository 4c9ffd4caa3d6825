//! Which comment accepts what was found where, and which one accepts nothing.

use super::accept::{Accept, Useless};
use super::kind::{Finding, Kind};
use super::reader::{Found, Lines};
use crate::domain::expected::Accepted;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Each with the number of the statement that it speaks of.
pub(super) struct Comments {
    accepts: Vec<(usize, Accept)>,
}

impl Comments {
    /// A comment speaks of the statement that it stands in, else of the next one; behind the last one of nothing.
    pub(super) fn read(root: &SyntaxNode, lines: &Lines) -> Self {
        let statements: Vec<SyntaxNode> = root.children().filter(|n| ast::Stmt::can_cast(n.kind())).collect();
        let mut accepts = Vec::new();
        let comments = root.descendants_with_tokens().filter_map(|element| element.into_token());
        for comment in comments.filter(|t| t.kind() == SyntaxKind::COMMENT) {
            let at = comment.text_range().start();
            let statement = statements.partition_point(|s| s.text_range().end() <= at);
            accepts.extend(Accept::read(comment.text(), lines.line(at.into())).map(|accept| (statement, accept)));
        }
        for (number, block) in statements.iter().enumerate().filter_map(|(n, s)| Some((n, ast::Do::cast(s.clone())?))) {
            let Some(body) = block.plpgsql() else { continue };
            let inside =
                body.syntax().descendants_with_tokens().filter_map(|element| element.into_token()).collect::<Vec<_>>();
            for comment in inside.into_iter().filter(|t| t.kind() == SyntaxKind::COMMENT) {
                let line = lines.line(body.source_range(comment.text_range()).start().into());
                accepts.extend(Accept::read(comment.text(), line).map(|accept| (number, accept)));
            }
        }
        Self { accepts }
    }

    /// Takes out what is accepted, and says which comment accepts nothing.
    pub(super) fn apply(self, file: &str, found: Vec<Found>) -> (Vec<Finding>, Vec<Accepted>) {
        let mut used = vec![false; self.accepts.len()];
        let (mut findings, mut accepted) = (Vec::new(), Vec::new());
        for found in found {
            let accepts = |(at, accept): &&(usize, Accept)| *at == found.statement && accept.what == Ok(found.kind);
            match self.accepts.iter().position(|accept| accepts(&accept)) {
                Some(which) => {
                    used[which] = true;
                    let reason = &self.accepts[which].1.reason;
                    accepted.extend(found.takes.into_iter().map(|reach| Accepted { reach, reason: reason.clone() }));
                }
                None => findings.push(found.says.finding(file, found.line, found.kind)),
            }
        }
        let unused = self.accepts.iter().zip(used).filter(|(_, used)| !used);
        findings.extend(unused.filter_map(|((_, accept), _)| useless(file, accept)));
        findings.sort_by_key(|finding| (finding.line, finding.kind));
        (findings, accepted)
    }
}

fn useless(file: &str, accept: &Accept) -> Option<Finding> {
    let (message, remedy) = match &accept.what {
        // judged where the remote is known
        Ok(kind) if kind.is_of_file() => return None,
        Ok(kind) => (
            format!("This comment accepts {}, but the statement below it does nothing of that kind", kind.word()),
            "Take it away, or put it right above the statement that it is for".to_owned(),
        ),
        Err(Useless::NoReason(kind)) => (
            format!("This comment accepts {} without a reason, so it does not count", kind.word()),
            format!("Say why: {}", Accept::comment(*kind)),
        ),
        Err(Useless::Unknown(word)) => (
            format!("This comment accepts {word:?}, and there is no such rule"),
            "Write the word that the refusal names, for example: -- safemigrate: accept dropped-column REASON"
                .to_owned(),
        ),
    };
    let (kind, file) = (Kind::Accept, file.to_owned());
    Some(Finding { file, line: accept.line, kind, severity: kind.severity(), message, remedy })
}
