using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Iced.Intel;
using Xunit.Abstractions;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>A fact that needs the host's own processor as the judge.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NativeFactAttribute : FactAttribute
{
    public NativeFactAttribute() => Skip = NativeProcessor.ReasonToSkip();
}

/// <summary>A theory that needs the host's own processor as the judge.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NativeTheoryAttribute : TheoryAttribute
{
    public NativeTheoryAttribute() => Skip = NativeProcessor.ReasonToSkip();
}

/// <summary>Judge sessions, kept for reuse by all rows of the theory.</summary>
public sealed class JudgeSessions : IDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentBag<JudgeSession>> _idle = new();

    internal JudgeSession Take(string engine) =>
        _idle.TryGetValue(engine, out ConcurrentBag<JudgeSession>? bag) && bag.TryTake(out JudgeSession? session) ? session : new JudgeSession(engine);

    internal void Return(JudgeSession session) => _idle.GetOrAdd(session.Engine, _ => []).Add(session);

    public void Dispose()
    {
        foreach (JudgeSession session in _idle.Values.SelectMany(bag => bag))
            session.Dispose();
    }
}

/// <summary>
/// Every instruction form that the processor must have, on each engine, against the host's processor. VITRINE_CPU_INSTANCES
/// sets how many random instances of each are run (2,000 unless set; 10,000 in long test runs), VITRINE_CPU_SEQUENCES how many
/// random sequences (100,000; 1,000,000), VITRINE_CPU_FORMS picks forms by a part of their name, VITRINE_CPU_ENGINE an engine.
/// </summary>
public sealed class FormTests(JudgeSessions sessions, ITestOutputHelper output) : IClassFixture<JudgeSessions>
{
    private static readonly int Instances = Number("VITRINE_CPU_INSTANCES", 2_000, 10_000);
    private static readonly int SequenceCount = Number("VITRINE_CPU_SEQUENCES", 100_000, 1_000_000);

    private static readonly ParallelOptions OnAllProcessors = new() { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, 8) };

    private static int Number(string variable, int usual, int many) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int n) ? Math.Max(n, 1)
        : Environment.GetEnvironmentVariable("VITRINE_LONG_TESTS") == "1" ? many : usual;

    public static IEnumerable<object[]> Groups()
    {
        if (NativeProcessor.ReasonToSkip() is not null)
            yield break;
        foreach (string engine in Engines.Names)
        {
            foreach (string group in Forms.Required(AnnouncedFeatures.Extras).Select(GroupOf).Distinct().Order())
                yield return [engine, group];
        }
    }

    public static IEnumerable<object[]> EngineNames() => Engines.Names.Select(name => new object[] { name });

    [NativeTheory]
    [MemberData(nameof(Groups))]
    public void Forms_OfFeature_AgreeWithTheHost(string engine, string group)
    {
        string? part = Environment.GetEnvironmentVariable("VITRINE_CPU_FORMS");
        var verdicts = new ConcurrentBag<Verdict>();
        Parallel.ForEach(
            Forms.Required(AnnouncedFeatures.Extras).Where(c => GroupOf(c) == group
                && (part is null || c.ToString().Contains(part, StringComparison.OrdinalIgnoreCase))),
            OnAllProcessors,
            () => sessions.Take(engine),
            (code, _, session) =>
            {
                verdicts.Add(session.Judge(code, Instances));
                return session;
            },
            sessions.Return);

        Report(group, [.. verdicts.OrderBy(v => v.Code)]);
    }

    [NativeTheory]
    [MemberData(nameof(EngineNames))]
    public void MutatedEncodings_AgreeWithTheHost(string engine)
    {
        int run = 0, mismatches = 0;
        var examples = new ConcurrentBag<string>();
        Parallel.ForEach(
            Forms.Required(AnnouncedFeatures.Extras),
            OnAllProcessors,
            () => sessions.Take(engine),
            (code, _, session) =>
            {
                (int ran, int found, List<string> some) = session.JudgeMutants(code, Math.Max(Instances / 10, 20));
                Interlocked.Add(ref run, ran);
                Interlocked.Add(ref mismatches, found);
                foreach (string example in some)
                    examples.Add(example);
                return session;
            },
            sessions.Return);
        output.WriteLine($"{run} mutated instructions");
        Assert.True(mismatches == 0, $"{mismatches} differ\n{string.Join('\n', examples.Take(20))}");
    }

    [NativeTheory]
    [MemberData(nameof(EngineNames))]
    public void RandomSequences_AgreeWithTheHost(string engine)
    {
        var examples = new ConcurrentBag<string>();
        int mismatches = 0;
        const int chunk = 500;
        int chunks = (SequenceCount + chunk - 1) / chunk;
        Parallel.For(
            0,
            chunks,
            OnAllProcessors,
            () => sessions.Take(engine),
            (i, _, session) =>
            {
                (int found, List<string> some) = session.JudgeSequences(i * chunk, chunk);
                Interlocked.Add(ref mismatches, found);
                foreach (string example in some)
                    examples.Add(example);
                return session;
            },
            sessions.Return);
        output.WriteLine($"{chunks * chunk} sequences of {SequenceGenerator.Length} instructions");
        Assert.True(mismatches == 0, $"{mismatches} sequences differ\n{string.Join('\n', examples.Take(10))}");
    }

    private void Report(string group, List<Verdict> verdicts)
    {
        output.WriteLine($"{group}: {verdicts.Count} forms, {verdicts.Sum(v => v.Instances)} instances, {verdicts.Sum(v => v.Faults)} of them faulting");
        var text = new StringBuilder();
        foreach (Verdict verdict in verdicts.Where(v => v.Mismatches != 0).Take(30))
            text.AppendLine(CultureInfo.InvariantCulture, $"{verdict.Code}: {verdict.Mismatches} of {verdict.Instances} differ\n  {verdict.Examples[0]}");
        Assert.True(text.Length == 0, text.ToString());
    }

    private static string GroupOf(Code code) => code.CpuidFeatures()[^1].ToString();
}
