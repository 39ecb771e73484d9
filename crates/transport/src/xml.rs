//! Reading the service's XML as a stream of small elements, in bounded memory, trusting nothing.
//!
//! A document is taken as its root's children, one at a time, each as a small tree. It is complete only when
//! the root was closed and nothing followed; a document type, an unknown entity, too deep nesting and too big
//! elements are errors. Texts are never trimmed: names carry significant blanks (protocol 8.2).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;
use jottad_core::in_words;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, ReadBuf};

/// No element with all that is in it is bigger; the biggest real ones have a few kilobytes.
const ELEMENT_LIMIT: u64 = 1 << 20;
const DEPTH_LIMIT: usize = 64;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlError {
    /// The bytes stopped coming.
    #[error("{}", in_words(.0))]
    Input(io::Error),
    /// The document ended before its root was closed.
    #[error("the XML is cut off")]
    CutOff,
    /// The document breaks a rule.
    #[error("{0}")]
    Malformed(String),
}

/// An element with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The tag.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Its own text, untrimmed, that of children not included.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// All elements directly in it.
    pub(crate) fn children(&self) -> &[Element] {
        &self.children
    }

    /// The first child with this tag.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child with this tag.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(Element::text)
    }

    /// Adds a child: for fields that a streamed document hands out one by one.
    pub(crate) fn push(&mut self, child: Element) {
        self.children.push(child);
    }

    fn open(start: &BytesStart<'_>) -> Result<Self, XmlError> {
        let mut element = Self { name: start.name().as_ref().to_owned(), ..Self::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| XmlError::Malformed(error.to_string()))?;
            // Not `normalized_value`: it would turn tabs and line ends in names into spaces.
            let value = quick_xml::escape::unescape(attribute.value.as_ref())
                .map_err(|error| XmlError::Malformed(error.to_string()))?;
            element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }
}

/// A child of the root, or of one of the containers that were asked to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Child {
    /// The container that it is in; `None` directly below the root.
    pub(crate) container: Option<&'static str>,
    /// The element.
    pub(crate) element: Element,
}

/// An XML document that is being read.
pub(crate) struct Document<R> {
    reader: Reader<Limited<R>>,
    buffer: Vec<u8>,
    root: Element,
    container: Option<&'static str>,
    closed: bool,
    /// What was read last is a child of the root to its end.
    is_between_children: bool,
}

impl<R: AsyncBufRead + Unpin> Document<R> {
    /// Reads up to the root's start. No more than `size_limit` bytes of the document will be read.
    pub(crate) async fn open(input: R, size_limit: u64) -> Result<Self, XmlError> {
        let mut reader =
            Reader::from_reader(Limited { input, element_left: ELEMENT_LIMIT, left: size_limit });
        reader.config_mut().expand_empty_elements = true;
        let mut document = Self {
            reader,
            buffer: Vec::new(),
            root: Element::default(),
            container: None,
            closed: false,
            is_between_children: false,
        };
        loop {
            match document.event().await? {
                Event::Start(start) => {
                    document.root = Element::open(&start)?;
                    return Ok(document);
                }
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if is_blank(&text) => {}
                Event::Eof => return Err(XmlError::CutOff),
                _ => return Err(XmlError::Malformed("text before the root element".to_owned())),
            }
        }
    }

    /// The root's tag and attributes. Its own text is not kept.
    pub(crate) fn root(&self) -> &Element {
        &self.root
    }

    /// The next child, or `None` once the document is proven complete. Elements named in `containers`
    /// directly below the root are not returned but entered.
    ///
    /// Not cancel safe: a document whose reading was cancelled must be dropped.
    pub(crate) async fn next(&mut self, containers: &[&'static str]) -> Result<Option<Child>, XmlError> {
        self.is_between_children = false;
        while !self.closed {
            self.reader.get_mut().element_left = ELEMENT_LIMIT;
            match self.event().await? {
                Event::Start(start) => {
                    let element = Element::open(&start)?;
                    let entered = containers.iter().find(|name| **name == element.name);
                    if let (None, Some(name)) = (self.container, entered) {
                        self.container = Some(name);
                        continue;
                    }
                    let element = self.rest_of(element).await?;
                    self.is_between_children = self.container.is_none();
                    return Ok(Some(Child { container: self.container, element }));
                }
                Event::End(_) => self.closed = self.container.take().is_none(),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => return Err(XmlError::CutOff),
                event => {
                    // It is checked and not kept: the blanks between a million entries are no text of
                    // anything.
                    text_of(&event)?;
                }
            }
        }
        self.expect_end().await?;
        Ok(None)
    }

    /// What has come of what follows the last child of the root, or the next of it as soon as it comes: whole
    /// children may be taken from it by hand. Nothing where there is no telling what follows, and at the end.
    pub(crate) async fn ahead(&mut self) -> Result<&[u8], XmlError> {
        if !self.is_between_children {
            return Ok(&[]);
        }
        let input = self.reader.get_mut();
        input.element_left = ELEMENT_LIMIT;
        input.fill_buf().await.map_err(XmlError::Input)
    }

    /// Passes over bytes of [`ahead`](Self::ahead) that were whole children of the root, and blanks before
    /// them.
    pub(crate) fn pass(&mut self, count: usize) {
        self.reader.get_mut().consume(count);
    }

    /// Reads what remains as one tree.
    pub(crate) async fn into_element(mut self) -> Result<Element, XmlError> {
        while let Some(child) = self.next(&[]).await? {
            self.root.children.push(child.element);
        }
        Ok(self.root)
    }

    async fn rest_of(&mut self, element: Element) -> Result<Element, XmlError> {
        let mut open = vec![element];
        loop {
            match self.event().await? {
                Event::Start(start) => {
                    if open.len() >= DEPTH_LIMIT {
                        return Err(XmlError::Malformed("elements are nested too deeply".to_owned()));
                    }
                    open.push(Element::open(&start)?);
                }
                Event::End(_) => {
                    let Some(done) = open.pop() else { return Err(XmlError::CutOff) };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => return Err(XmlError::CutOff),
                event => {
                    let text = text_of(&event)?;
                    if let Some(innermost) = open.last_mut() {
                        innermost.text.push_str(&text);
                    }
                }
            }
        }
    }

    async fn expect_end(&mut self) -> Result<(), XmlError> {
        loop {
            match self.event().await? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if is_blank(&text) => {}
                _ => return Err(XmlError::Malformed("something follows the root element".to_owned())),
            }
        }
    }

    async fn event(&mut self) -> Result<Event<'_>, XmlError> {
        self.buffer.clear();
        match self.reader.read_event_into_async(&mut self.buffer).await {
            Ok(Event::DocType(_)) => Err(XmlError::Malformed("a document type is not accepted".to_owned())),
            Ok(event) => Ok(event),
            Err(quick_xml::Error::Io(error)) => Err(XmlError::Input(
                std::sync::Arc::try_unwrap(error)
                    .unwrap_or_else(|shared| io::Error::new(shared.kind(), shared.to_string())),
            )),
            Err(quick_xml::Error::Syntax(quick_xml::errors::SyntaxError::UnclosedTag)) => {
                Err(XmlError::CutOff)
            }
            Err(error) => Err(XmlError::Malformed(error.to_string())),
        }
    }
}

impl Document<&[u8]> {
    /// Reads a document that is in memory.
    pub(crate) fn parse_whole(bytes: &[u8]) -> Result<Element, XmlError> {
        let reading = async { Document::open(bytes, bytes.len() as u64 + 1).await?.into_element().await };
        // Memory is never pending.
        reading.now_or_never().unwrap_or(Err(XmlError::CutOff))
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}

fn text_of(event: &Event<'_>) -> Result<String, XmlError> {
    match event {
        Event::Text(text) => Ok(text.to_string()),
        Event::CData(data) => Ok(data.to_string()),
        Event::GeneralRef(reference) => resolve(reference).map(String::from),
        _ => Err(XmlError::Malformed("unexpected markup".to_owned())),
    }
}

/// The character of `&amp;` or `&#38;`; anything else could stand for anything and is refused.
fn resolve(reference: &BytesRef<'_>) -> Result<char, XmlError> {
    let malformed = || XmlError::Malformed(format!("unknown entity &{};", reference.escape_debug()));
    if let Some(character) = reference.resolve_char_ref().map_err(|_| malformed())? {
        return Ok(character);
    }
    match &**reference {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(malformed()),
    }
}

/// Ends with an error when an element or the whole document is too big.
struct Limited<R> {
    input: R,
    element_left: u64,
    left: u64,
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for Limited<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        let left = this.left.min(this.element_left);
        let available = ready!(Pin::new(&mut this.input).poll_fill_buf(context))?;
        if available.is_empty() {
            return Poll::Ready(Ok(available));
        }
        if left == 0 {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::FileTooLarge, "the XML is too big")));
        }
        let usable = usize::try_from(left).unwrap_or(usize::MAX).min(available.len());
        Poll::Ready(Ok(&available[..usable]))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        self.left = self.left.saturating_sub(count as u64);
        self.element_left = self.element_left.saturating_sub(count as u64);
        Pin::new(&mut self.input).consume(count);
    }
}

impl<R: AsyncBufRead + Unpin> AsyncRead for Limited<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let available = ready!(self.as_mut().poll_fill_buf(context))?;
        let count = available.len().min(buffer.remaining());
        buffer.put_slice(&available[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Element, XmlError> {
        Document::parse_whole(text.as_bytes())
    }

    #[test]
    fn texts_and_attributes_keep_every_blank() {
        let root =
            parse("<a><b xml:space=\"preserve\"> x &amp; y </b><c n=\" q&#10;&lt;\t\"/><d>&#32;</d></a>")
                .unwrap();
        assert_eq!(root.child_text("b"), Some(" x & y "));
        assert_eq!(root.child("c").unwrap().attribute("n"), Some(" q\n<\t"));
        assert_eq!(root.child_text("d"), Some(" "));
    }

    #[test]
    fn cdata_and_comments_are_read_as_xml_has_them() {
        let root =
            parse("<?xml version=\"1.0\"?><!-- x --><a><b>1<!-- y --><![CDATA[<&]]>2</b></a>\n").unwrap();
        assert_eq!(root.child_text("b"), Some("1<&2"));
    }

    #[test]
    fn what_is_not_one_plain_closed_document_is_refused() {
        let deep = format!("<a>{}{}</a>", "<b>".repeat(70), "</b>".repeat(70));
        let big_text = format!("<a><b>{}</b></a>", "x".repeat(1 << 21));
        let big_attribute = format!("<a><b c=\"{}\"/></a>", "x".repeat(1 << 21));
        let endless_children = format!("<a><b>{}</b></a>", "<c/>".repeat(1 << 19));
        for text in [
            "",
            "   ",
            "<",
            "<a>",
            "<a><b></b>",
            "<a><b></a>",
            "<a></b>",
            "<a/><a/>",
            "<a/>x",
            "x<a/>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a>&x;</a>",
            "<a><b>&#0;</b></a>",
            "<a b=\"1\" b=\"2\"/>",
            "<a b=\"&x;\"/>",
            &deep,
            &big_text,
            &big_attribute,
            &endless_children,
        ] {
            assert!(parse(text).is_err(), "{:?}", text.get(..text.len().min(60)));
        }
        assert!(Document::parse_whole(b"<a>\xff</a>").is_err());
    }

    #[tokio::test]
    async fn a_document_ends_at_its_size_limit() {
        let text = format!("<a>{}</a>", "<b>x</b>".repeat(1000));
        let limit = text.len() as u64;
        assert!(Document::open(text.as_bytes(), limit).await.unwrap().into_element().await.is_ok());
        assert!(Document::open(text.as_bytes(), limit - 1).await.unwrap().into_element().await.is_err());
    }

    #[tokio::test]
    async fn containers_are_entered_and_the_rest_is_handed_out() {
        let text = "<f><n>x</n><in><i k=\"1\"/><in>2</in></in><in/><m/></f>";
        let mut document = Document::open(text.as_bytes(), 1 << 20).await.unwrap();
        let mut seen = Vec::new();
        while let Some(child) = document.next(&["in"]).await.unwrap() {
            seen.push((child.container, child.element.name().to_owned()));
        }
        let own = |name: &str| (None, name.to_owned());
        let inner = |name: &str| (Some("in"), name.to_owned());
        assert_eq!(seen, [own("n"), inner("i"), inner("in"), own("m")]);
    }

    proptest! {
        #[test]
        fn no_prefix_is_a_document(cut: prop::sample::Index) {
            let text = "<?xml version=\"1.0\"?>\n<a t=\"1\"><b>x &amp; y</b><c/><d><e f=\"g\">h</e></d>\n</a>";
            let cut = cut.index(text.len());
            prop_assert!(parse(&text[..cut]).is_err(), "{}", &text[..cut]);
        }

        #[test]
        fn anything_can_be_thrown_at_it(text in "[<>/&;#!\\[\\]ab \"=?-]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn escaped_texts_come_back(text in "[^\\p{Cc}]{0,30}") {
            let escaped = quick_xml::escape::escape(text.as_str());
            let root = parse(&format!("<a n=\"{escaped}\"><b>{escaped}</b></a>")).unwrap();
            prop_assert_eq!(root.child_text("b").unwrap(), text.as_str());
            prop_assert_eq!(root.attribute("n").unwrap(), text.as_str());
        }
    }
}
