using System.Globalization;
using System.Text;

namespace Vitrine.Bench;

/// <summary>What the real programs are given to work on: generated, and the same at every run on every machine.</summary>
internal sealed class ProgramInputs
{
    private const int TextBytes = 2 << 20;
    private const int SourceLines = 5000;
    private const int Rows = 100_000;
    private const int Transactions = 2000;

    private readonly string _folder = Path.Combine(HostTools.Repository, "artifacts", "bench", "inputs");
    private ulong _state = 20261120;

    public ProgramInputs()
    {
        Directory.CreateDirectory(_folder);
        Text = Write("text", WriteText);
        Source = Write("source.c", WriteSource);
        OneTransaction = Write("one.sql", WriteOneTransaction);
        ManyTransactions = Write("many.sql", WriteManyTransactions);
    }

    /// <summary>Words of twelve letters of the alphabet, with repetitions as in prose.</summary>
    public string Text { get; }

    /// <summary>A C file of 5,000 lines: loops, lists, switches, floating point.</summary>
    public string Source { get; }

    public string OneTransaction { get; }

    public string ManyTransactions { get; }

    private string Write(string name, Action<StringBuilder> content)
    {
        string path = Path.Combine(_folder, name);
        var text = new StringBuilder();
        content(text);
        File.WriteAllText(path, text.ToString());
        return path;
    }

    /// <summary>Below a bound, by xorshift64*.</summary>
    private int Next(int bound)
    {
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return (int)((_state * 0x2545f4914f6cdd1dUL >> 33) % (ulong)bound);
    }

    private void WriteText(StringBuilder text)
    {
        const string Letters = "etaoinshrdlu";
        string[] words = new string[3000];
        for (int i = 0; i < words.Length; i++)
        {
            var word = new StringBuilder();
            for (int n = 2 + Next(7); n > 0; n--)
                word.Append(Letters[Next(Letters.Length)]);
            words[i] = word.ToString();
        }

        while (text.Length < TextBytes)
        {
            for (int n = 6 + Next(9); n > 0; n--)
                text.Append(words[Next(words.Length)]).Append(' ');
            text.Append(".\n");
        }
    }

    private void WriteSource(StringBuilder text)
    {
        text.Append("#include <stdint.h>\n#include <string.h>\nstruct node { int64_t key; double weight; struct node *next; char name[24]; };\n");
        int lines = 3;
        for (int n = 0; lines < SourceLines; n++)
        {
            string function = Next(4) switch
            {
                0 => Mixer(n),
                1 => Insertion(n),
                2 => Choice(n),
                _ => Blend(n),
            };
            text.Append(function);
            lines += function.AsSpan().Count('\n');
        }
    }

    private string Mixer(int n) => string.Create(CultureInfo.InvariantCulture,
        $$"""
        uint64_t mix{{n}}(const uint64_t *v, int count)
        {
            uint64_t h = {{Next(1 << 30)}}u;
            for (int i = 0; i < count; i++) {
                h ^= v[i] * {{Next(1 << 30) | 1}}u;
                h = (h << {{1 + Next(62)}}) | (h >> {{1 + Next(60)}});
                if (h % {{3 + Next(96)}} == 0)
                    h += (uint64_t)i;
            }
            return h;
        }

        """);

    private string Insertion(int n) => string.Create(CultureInfo.InvariantCulture,
        $$"""
        struct node *insert{{n}}(struct node *list, struct node *fresh)
        {
            struct node **at = &list;
            while (*at && (*at)->key < fresh->key + {{Next(100)}})
                at = &(*at)->next;
            fresh->next = *at;
            *at = fresh;
            strncpy(fresh->name, "node {{n}}", sizeof fresh->name - 1);
            return list;
        }

        """);

    private string Choice(int n)
    {
        var cases = new StringBuilder();
        for (int i = 0, count = 4 + Next(10); i < count; i++)
            cases.Append(CultureInfo.InvariantCulture, $"    case {i}: sum += a * {Next(1000)} - b; break;\n");
        return string.Create(CultureInfo.InvariantCulture,
            $$"""
            int choose{{n}}(int which, int a, int b)
            {
                int sum = {{Next(100)}};
                switch (which) {
            {{cases}}    default: sum ^= a | b;
                }
                return sum;
            }

            """);
    }

    private string Blend(int n) => string.Create(CultureInfo.InvariantCulture,
        $$"""
        double blend{{n}}(const double *x, const double *y, int count)
        {
            double r = 0;
            for (int i = 1; i < count; i++)
                r += x[i] * y[i - 1] + 0.{{1 + Next(999_999)}} * (x[i] - y[i]);
            return r > {{Next(50)}} ? r / {{2 + Next(7)}} : -r;
        }

        """);

    private static void WriteOneTransaction(StringBuilder text) => text.Append(CultureInfo.InvariantCulture,
        $"""
        create table t(a integer primary key, b text, c real);
        create index i on t(b);
        begin;
        with recursive n(x) as (select 1 union all select x + 1 from n where x < {Rows})
            insert into t select x, 'name' || (x * 7919 % 100003), x * 0.5 from n;
        commit;
        select count(*), sum(c), max(b) from t;

        """);

    private void WriteManyTransactions(StringBuilder text)
    {
        text.Append("drop table if exists t;\ncreate table t(a integer primary key, b text, c real);\n");
        for (int i = 0; i < Transactions; i++)
            text.Append(CultureInfo.InvariantCulture, $"insert into t values({i}, 'name{Next(1009)}', {i}.5);\n");
        text.Append("select count(*), sum(c), max(b) from t;\n");
    }
}
