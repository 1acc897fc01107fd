namespace Vitrine.Generators.Tests;

public class AnalyzerTests
{
    [Theory]
    [InlineData("Result<int> F() => default; void G() { F(); }")]
    [InlineData("Result<int> F() => default; void G() => F();")]
    [InlineData("KTask F() => default; void G() { F(); }")]
    [InlineData("KTask<int> F() => default; void G() { _ = F(); }")]
    [InlineData("async KTask<SyscallResult> F() => default; async KTask G() { await F(); }")]
    [InlineData("Result<int> F() => default; void G(Subject s) { s?.F(); }")]
    [InlineData("Result<int> F() => default; void G() { Action a = () => F(); }")]
    public void ExpressionStatement_OfResult_IsDropped(string members) =>
        Assert.Equal(["VT0001"], AnalyzerRun.Diagnose(members));

    [Theory]
    [InlineData("Result<int> F() => default; void G() { _ = F(); var r = F(); r = F(); }")]
    [InlineData("async KTask F() { } async KTask G() { await F(); }")]
    [InlineData("int F() => 1; void G() { F(); }")]
    public void Result_UsedOrDiscardedOpenly_IsFine(string members) =>
        Assert.Empty(AnalyzerRun.Diagnose(members));

    [Theory]
    [InlineData("KTask F() => default; async KTask G() { var t = F(); await t; }")]
    [InlineData("KTask<int> _stored;")]
    [InlineData("List<KTask> _stored;")]
    [InlineData("void G(KTask t) { }")]
    [InlineData("void O(out int t) { t = 0; } KTask[] Many { get; set; }")]
    [InlineData("(int, KTask<int>) _pair;")]
    public void KernelTask_Stored_IsReported(string members) =>
        Assert.Equal(["VT0002"], AnalyzerRun.Diagnose(members));

    [Theory]
    [InlineData("KTask<int> F() => default; async KTask<int> G() => await F(); KTask<int> H(bool b) => b ? F() : G();")]
    [InlineData("Func<KTask> _start;")]
    [InlineData("[KernelTaskRuntime] void G(KTask t) { KTask u = t; }")]
    public void KernelTask_AwaitedOrReturned_IsFine(string members) =>
        Assert.Empty(AnalyzerRun.Diagnose(members));

    [Theory]
    [InlineData("async KTask G() { await System.Threading.Tasks.Task.CompletedTask; }")]
    [InlineData("async System.Threading.Tasks.Task G() { }")]
    [InlineData("async void G() { }")]
    [InlineData("async KTask G(IAsyncEnumerable<int> s) { await foreach (int i in s) { } }")]
    [InlineData("async KTask G(IAsyncDisposable d) { await using (d) { } }")]
    [InlineData("async KTask G(IAsyncDisposable d) { await using var e = d; }")]
    public void ForeignAwait_InKernelCode_IsReported(string members) =>
        Assert.Equal(["VT0003"], AnalyzerRun.Diagnose(members));

    [Theory]
    [InlineData("[HostBoundary(\"pool\")] async System.Threading.Tasks.Task G() { await System.Threading.Tasks.Task.CompletedTask; }")]
    [InlineData("async KTask F() { } async KTask<int> G() { await F(); return 1; }")]
    public void Await_OfKernelOrAtBoundary_IsFine(string members) =>
        Assert.Empty(AnalyzerRun.Diagnose(members));

    [Theory]
    [InlineData("DateTime F() => DateTime.UtcNow;")]
    [InlineData("object F() => new Random(1);")]
    [InlineData("int F() => Random.Shared.Next();", 2)]
    [InlineData("void F() => System.Threading.Thread.Sleep(1);")]
    [InlineData("Action<int> F() => System.Threading.Thread.Sleep;")]
    [InlineData("byte[] F() => System.IO.File.ReadAllBytes(\"x\");")]
    [InlineData("object F() => new System.IO.FileStream(\"x\", System.IO.FileMode.Open);")]
    [InlineData("void F(System.Threading.Tasks.Task t) => t.Wait();")]
    [InlineData("long F() => Environment.TickCount64;")]
    [InlineData("void F() => Console.WriteLine();")]
    public void HostApi_InMachine_IsBanned(string members, int times = 1) =>
        Assert.Equal(Enumerable.Repeat("VT0004", times), AnalyzerRun.Diagnose(members));

    [Fact]
    public void HostApi_WithBoundary_IsFine() =>
        Assert.Empty(AnalyzerRun.Diagnose("[HostBoundary(\"the clock itself\")] DateTime Now => DateTime.UtcNow;"));

    [Fact]
    public void HostApi_OutsideTheMachine_IsFine() =>
        Assert.Empty(AnalyzerRun.Diagnose("DateTime F() => DateTime.UtcNow;", "Vitrine.Cli"));
}
