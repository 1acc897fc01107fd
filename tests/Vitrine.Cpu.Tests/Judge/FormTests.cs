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
    private readonly ConcurrentBag<JudgeSession> _idle = [];

    internal JudgeSession Take() => _idle.TryTake(out JudgeSession? session) ? session : new JudgeSession();

    internal void Return(JudgeSession session) => _idle.Add(session);

    public void Dispose()
    {
        foreach (JudgeSession session in _idle)
            session.Dispose();
    }
}

/// <summary>
/// Every instruction form that the processor must have, against the host's processor. VITRINE_CPU_INSTANCES
/// sets how many random instances of each are run (500 unless set; 5000 in long test runs), VITRINE_CPU_FORMS picks forms by a part of their name.
/// </summary>
public sealed class FormTests(JudgeSessions sessions, ITestOutputHelper output) : IClassFixture<JudgeSessions>
{
    private static readonly int Instances =
        int.TryParse(Environment.GetEnvironmentVariable("VITRINE_CPU_INSTANCES"), CultureInfo.InvariantCulture, out int n) ? Math.Max(n, 1)
        : Environment.GetEnvironmentVariable("VITRINE_LONG_TESTS") == "1" ? 5000 : 500;

    public static IEnumerable<object[]> Groups()
    {
        if (NativeProcessor.ReasonToSkip() is not null)
            yield break;
        foreach (string group in Forms.Required(AnnouncedFeatures.Extras).Select(GroupOf).Distinct().Order())
            yield return [group];
    }

    [NativeTheory]
    [MemberData(nameof(Groups))]
    public void Forms_OfFeature_AgreeWithTheHost(string group)
    {
        string? part = Environment.GetEnvironmentVariable("VITRINE_CPU_FORMS");
        var verdicts = new ConcurrentBag<Verdict>();
        Parallel.ForEach(
            Forms.Required(AnnouncedFeatures.Extras).Where(c => GroupOf(c) == group
                && (part is null || c.ToString().Contains(part, StringComparison.OrdinalIgnoreCase))),
            new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, 8) },
            sessions.Take,
            (code, _, session) =>
            {
                verdicts.Add(session.Judge(code, Instances));
                return session;
            },
            sessions.Return);

        Report(group, [.. verdicts.OrderBy(v => v.Code)]);
    }

    [NativeFact]
    public void MutatedEncodings_AgreeWithTheHost()
    {
        int run = 0, mismatches = 0;
        var examples = new ConcurrentBag<string>();
        Parallel.ForEach(
            Forms.Required(AnnouncedFeatures.Extras),
            new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, 8) },
            sessions.Take,
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

    [NativeFact]
    public void RandomSequences_AgreeWithTheHost()
    {
        var examples = new ConcurrentBag<string>();
        int mismatches = 0;
        const int chunk = 512;
        Parallel.For(
            0,
            Instances * 60 / chunk,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, 8) },
            sessions.Take,
            (i, _, session) =>
            {
                (int found, List<string> some) = session.JudgeSequences(i * chunk, chunk);
                Interlocked.Add(ref mismatches, found);
                foreach (string example in some)
                    examples.Add(example);
                return session;
            },
            sessions.Return);
        output.WriteLine($"{Instances * 60 / chunk * chunk} sequences");
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
