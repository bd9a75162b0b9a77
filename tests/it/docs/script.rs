//! The commands of a page, taken from its fenced shell blocks.

/// A fenced block, and the number of its first line.
pub(super) struct Block {
    pub(super) line: usize,
    text: String,
}

impl Block {
    /// Returns its commands. A command may span several lines: to the end of a here-document, or as
    /// long as a line ends with `\` or the next one is indented.
    pub(super) fn commands(&self) -> Vec<String> {
        let mut commands: Vec<String> = Vec::new();
        let mut document: Option<String> = None;
        let mut goes_on = false;
        for line in self.text.lines() {
            if line.trim().is_empty() && document.is_none() {
                continue;
            }
            let belongs = goes_on || document.is_some() || line.starts_with(' ') || line == "done";
            match commands.last_mut().filter(|_| belongs) {
                Some(command) => {
                    command.push('\n');
                    command.push_str(line);
                }
                None => commands.push(line.to_owned()),
            }
            if document.as_deref() == Some(line.trim()) {
                document = None;
            } else if let Some((_, end)) = line.split_once("<<") {
                document = Some(end.trim_matches('\'').to_owned());
            }
            goes_on = line.ends_with('\\');
        }
        commands
    }
}

pub(super) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(Block, usize)> = None;
    let mut is_other = false;
    for (number, line) in page.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (Some(_), Some(_)) => blocks.extend(open.take().map(|(block, _)| block)),
            (Some((block, from)), None) => {
                block.text.push_str(line.get(*from..).unwrap_or_default());
                block.text.push('\n');
            }
            (None, Some(language)) if !is_other && matches!(language, "sh" | "console") => {
                let block = Block {
                    line: number + 1,
                    text: String::new(),
                };
                open = Some((block, indent));
            }
            (None, Some(_)) => is_other = !is_other,
            (None, None) => {}
        }
    }
    blocks
}
