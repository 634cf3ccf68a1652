"""Rows whose code, markup and formulas are hard to keep, for tests and measurement of protected spans."""

HARD_ROWS: tuple[dict[str, str], ...] = (
    {
        "instruction": "Show how a fence is written inside Markdown.",
        "input": "",
        "output": "Write this:\n\n````markdown\n# Title\n\n```python\nprint(1)\n```\n````\n\n"
        "The outer fence is longer.",
    },
    {
        "instruction": "Explain the fence of equal length.",
        "input": "Here it is:\n\n```markdown\nText\n```js\nlet a = 1;\n```\n```\n\nDone.",
        "output": "It holds a second one with `let a = 1;` in it.\nThe second is closed first.",
    },
    {
        "instruction": "List the steps.",
        "input": "",
        "output": "1. Install it:\n   ```bash\n   pip install demo\n   ```\n2. Run it:\n   ~~~\n"
        "   demo --all\n   ~~~\n3. Stop.",
    },
    {
        "instruction": "Continue the program.",
        "input": "The program so far:\n```python\ndef area(radius):\n    return",
        "output": "Return `3.14 * radius ** 2`, or use ``math.pi``.\nThen call `area(2)`.",
    },
    {
        "instruction": "Solve $x^2 - 5x + 6 = 0$ for $x$.",
        "input": "Use \\(x = \\frac{-b \\pm \\sqrt{b^{2}-4ac}}{2a}\\).",
        "output": "The roots are $x_1 = 2$ and $x_{2} = 3$.\n\n$$\n(x-2)(x-3) = 0\n$$\n\n"
        "That costs $5 and $10, not more.",
    },
    {
        "instruction": "Write the matrix.",
        "input": "",
        "output": "The matrix is\n\\[\nA = \\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}\n\\]\n"
        "with the determinant \\(ad - bc\\).\n"
        "\\begin{equation}\n\\det A = 1\n\\end{equation}\nSo it is regular.",
    },
    {
        "instruction": "Turn the object into a sentence.",
        "input": '{"name": "Ana", "age": 7, "tags": ["a", "b"], "note": "She likes to read long books."}',
        "output": 'Ana is 7. The field `note` says it: ```{"note": "..."}``` and nothing else.',
    },
    {
        "instruction": "Give the configuration as JSON in Markdown.",
        "input": "",
        "output": 'Here is the file:\n\n```json\n{"debug": true,\n "path": "/tmp/{name}"}\n```\n\n'
        "Set `debug` to `false` later.",
    },
    {
        "instruction": "Translate the page but keep {{user}} and %(count)d.",
        "input": '<p class="x">Hello <b>{name}</b>, you have <i>%d new</i> messages.<br>Bye</p>\n<ul>\n'
        "  <li>One</li>\n"
        "  <li>Two</li>\n</ul>",
        "output": "<!-- A note for editors -->\n<p>Dear [NAME],</p>\n<p>your order ${ORDER} is ready &amp; paid.</p>",
    },
    {
        "instruction": "Read [the guide](https://example.org/guide_(v2)?a=1&b=2) first.",
        "input": '![a red square](images/red.png "A square")\n\n'
        "See <https://example.org/x>, or write to a.b+c@mail.example.org.",
        "output": "The guide at www.example.org/start. It names [two](#a) [parts](#b).\n"
        "- first: http://a.example/1\n- second: none",
    },
    {
        "instruction": "اشرح الدالة `len(x)` ثم `print(x)`.",
        "input": "النص:\n```python\nprint(len('سلام'))\n```\nانظر https://example.org/ar للمزيد.",
        "output": "الدالة `len` تعيد الطول $n$، وتكتب {name} بعد ذلك.\nالناتج `4`.",
    },
    {
        "instruction": "请解释`len(x)`函数并访问https://example.org/zh。",
        "input": "代码如下：\n```python\nprint(len('你好'))\n```\n联系a@example.org。",
        "output": "函数`len`返回长度$n$，打印{name}。\n结果是`2`。",
    },
    {
        "instruction": "What do ⟦1⟧, [[2]] and ⟦ ٣ ⟧ mean beside `x`?",
        "input": "⟧ and 〚 stand alone, [[1], [2]] is a list, ⟦12 is open.",
        "output": "⟦1⟧ is a mark.\n`⟦2⟧` is code, [[x]] is a link and __1__ is bold.",
    },
    {
        "instruction": "Describe the table.",
        "input": "<table><tr><th>Name</th><th>Age</th></tr><tr><td>{first}</td><td>seven</td></tr></table>",
        "output": "| Name | Code |\n|---|---|\n| first | `a` |\n| second | `b` |\n\n> Quoted: `c`\n> - and `d` too",
    },
    {
        "instruction": "Say why a < b and c > d, and what List<String> is, for the <p> tag.",
        "input": "In ``old style'' they wrote `this' and `that', paid US$5 or $6-$7, and e-mailed at 5 p.m.",
        "output": "Prose only: 100% sure, [sic], {not a slot}, <some words>, a_b, 2 * 3 * 4, and so on.",
    },
)
