//! `ansible_ssh_common_args` and `ansible_ssh_extra_args`: options of ssh(1), of which the
//! jump hosts are taken.

/// What is taken of the arguments, and what is not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    pub jumps: Vec<String>,
    /// The options that were not taken, without their values: a proxy command may hold a
    /// password.
    pub ignored: Vec<String>,
}

/// The options of ssh(1) that take a value.
const VALUED: &str = "BbcDEeFIiJLlmOopQRSWw";

/// Reads the text as a shell would split it.
///
/// # Errors
/// A quote that is not closed.
pub fn read(text: &str) -> Result<Arguments, &'static str> {
    let mut words = words(text)?.into_iter();
    let mut found = Arguments::default();
    while let Some(word) = words.next() {
        let option = word.strip_prefix('-').and_then(|rest| rest.chars().next());
        let Some(valued) = option.filter(|option| VALUED.contains(*option)) else {
            found.ignored.push(match option {
                Some(_) => word,
                None => "what is no option".to_string(),
            });
            continue;
        };
        let value = match &word[2..] {
            "" => words.next().unwrap_or_default(),
            value => value.to_string(),
        };
        let (key, rest) = value.split_once(['=', ' ', '\t']).unwrap_or((&value, ""));
        let jump = match valued {
            'J' => Some(value.as_str()),
            'o' => key.trim().eq_ignore_ascii_case("ProxyJump").then(|| rest.trim_start_matches(['=', ' ', '\t'])),
            _ => None,
        };
        match jump {
            Some(jump) if !jump.is_empty() => {
                found.jumps = jump.split(',').map(|host| host.trim().to_string()).collect();
            }
            _ if valued == 'o' => found.ignored.push(format!("-o {}", key.trim())),
            _ => found.ignored.push(format!("-{valued}")),
        }
    }
    // `none` is how ssh_config(5) says that there is no jump host.
    found.jumps.retain(|host| host != "none" && !host.is_empty());
    Ok(found)
}

/// The words of a text by the rules of sh(1) for quotes, without expansion.
pub fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('\'') => break,
                        Some(letter) => word.push(letter),
                        None => return Err("a quote is not closed"),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('"') => break,
                        Some('\\') => match letters.next() {
                            Some(letter @ ('"' | '\\' | '$' | '`')) => word.push(letter),
                            Some(letter) => word.extend(['\\', letter]),
                            None => return Err("a quote is not closed"),
                        },
                        Some(letter) => word.push(letter),
                        None => return Err("a quote is not closed"),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            letter if letter.is_whitespace() => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jump_hosts_are_taken_and_the_rest_is_named() {
        let jumps = |text: &str| read(text).unwrap().jumps;
        for text in [
            "-J ops@gate:2222,inner",
            "-Jops@gate:2222,inner",
            "-o ProxyJump=ops@gate:2222,inner",
            "-oproxyjump=ops@gate:2222,inner",
            "-o 'ProxyJump ops@gate:2222,inner'",
            "-o \"ProxyJump = ops@gate:2222,inner\" -C",
        ] {
            assert_eq!(jumps(text), ["ops@gate:2222", "inner"], "{text}");
        }
        assert!(jumps("-o ProxyJump=none").is_empty());
        let read = read("-C -o ProxyCommand='ssh -W %h:%p gate' -o StrictHostKeyChecking=no hunter2").unwrap();
        assert_eq!(read.ignored, ["-C", "-o ProxyCommand", "-o StrictHostKeyChecking", "what is no option"]);
        assert!(super::read("-o 'x").is_err());
        assert_eq!(super::read("").unwrap(), Arguments::default());
        assert!(super::read("-J").unwrap().jumps.is_empty() && super::read("-é -").is_ok());
    }
}
