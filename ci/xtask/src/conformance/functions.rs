//! Finding the test functions of a test file, and making each of them run only if it is asked for.
//!
//! A test file of Wine has one `START_TEST` function that calls (or queues) its test functions one after the other:
//!
//! ```c
//! START_TEST(d3d11)
//! {
//!     queue_test(test_create_device);
//!     queue_for_each_feature_level(test_device_interfaces);
//!     test_instanced_draw();
//! }
//! ```

/// What a test file must include at its top and at its end; the files lie in `ci/conformance/include`.
const HEAD: &str = "#include \"select.h\"\n";
const TAIL: &str = "\n#include \"report.h\"\n";
/// Calls with this in their name run on Direct3D 12, which pvgpu does not offer.
const OTHER_API: &str = "d3d12";

/// A test file that runs single functions.
#[derive(Debug, PartialEq, Eq)]
pub struct Selectable {
    /// The C source: the file's, with a condition before each call; the lines keep their numbers.
    pub source: String,
    /// The functions, in the order of the calls.
    pub functions: Vec<String>,
}

/// Puts a condition before each call of a test function in `START_TEST`; None if there is no such function.
pub fn select(file_name: &str, source: &str) -> Option<Selectable> {
    let start = source.find("\nSTART_TEST(")?;
    let body = start + source[start..].find('{')?;
    let end = body + source[body..].find("\n}")?;
    let mut text = format!("{HEAD}#line 1 \"{file_name}\"\n{}", &source[..body]);
    let mut functions = Vec::new();
    let mut rest = &source[body..end];
    while let Some(newline) = rest.find('\n') {
        let (line, next) = rest.split_at(newline + 1);
        text.push_str(line);
        rest = next;
        if let Some((function, runs)) = called_function(rest) {
            let indent = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            text.push_str(&rest[..indent]);
            rest = &rest[indent..];
            let condition = if runs { function } else { "" };
            text.push_str(&format!("if (pvgpu_selected(\"{condition}\")) "));
            if runs && !functions.iter().any(|known| known == function) {
                functions.push(function.to_owned());
            }
        }
    }
    text.push_str(rest);
    text.push_str(&source[end..]);
    text.push_str(TAIL);
    Some(Selectable { source: text, functions })
}

/// The test function that the statement at the start of `text` calls or hands to another function, and whether it is ours to run.
fn called_function(text: &str) -> Option<(&str, bool)> {
    let statement = text.split(';').next()?.trim_start_matches([' ', '\t']);
    let (callee, arguments) = statement.split_once('(')?;
    if callee.is_empty() || !callee.chars().all(is_identifier) {
        return None;
    }
    if callee.starts_with("test_") {
        return Some((callee, true));
    }
    let function = arguments.split(|c| !is_identifier(c)).find(|word| word.starts_with("test_"))?;
    (callee.starts_with("queue_") || callee.starts_with("run_"))
        .then_some((function, !callee.contains(OTHER_API)))
}

fn is_identifier(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
static void test_one(void) {}

START_TEST(things)
{
    unsigned int i;

    for (i = 2; i < argc; ++i)
    {
        if (!strcmp(argv[i], \"--single\"))
            use_mt = FALSE;
    }
    /* test_nothing(); stands in a comment. */
    print_adapter_info();

    queue_test(test_one);
    queue_in_range(LEVEL_10_0, LEVEL_11_0,
            test_two);
    run_queued_tests();
    test_three();
    run_on_d3d10(test_four);
    run_on_d3d12(test_four);
}
";

    #[test]
    fn each_call_gets_its_condition() {
        let found = select("things.c", FILE).expect("there is a START_TEST");
        assert_eq!(found.functions, ["test_one", "test_two", "test_three", "test_four"]);
        for line in [
            "    if (pvgpu_selected(\"test_one\")) queue_test(test_one);\n",
            "    if (pvgpu_selected(\"test_two\")) queue_in_range(LEVEL_10_0, LEVEL_11_0,\n            test_two);\n",
            "    run_queued_tests();\n    if (pvgpu_selected(\"test_three\")) test_three();\n",
            "    if (pvgpu_selected(\"test_four\")) run_on_d3d10(test_four);\n",
            "    if (pvgpu_selected(\"\")) run_on_d3d12(test_four);\n}\n",
            "    print_adapter_info();\n",
            "    /* test_nothing(); stands in a comment. */\n",
        ] {
            assert!(found.source.contains(line), "{line}\nin\n{}", found.source);
        }
    }

    #[test]
    fn lines_keep_their_numbers() {
        let found = select("things.c", FILE).expect("there is a START_TEST");
        let line = |text: &str| text.lines().position(|line| line.contains("test_three()"));
        let head = found.source.lines().position(|line| line == "#line 1 \"things.c\"").expect("a #line");
        assert_eq!(line(&found.source).map(|line| line - head - 1), line(FILE));
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(select("x.c", "int main(void) { return 0; }\n"), None);
    }
}
