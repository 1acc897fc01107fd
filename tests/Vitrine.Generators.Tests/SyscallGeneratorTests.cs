using Microsoft.CodeAnalysis;

namespace Vitrine.Generators.Tests;

public class SyscallGeneratorTests
{
    [Fact]
    public void Declarations_OfAllKinds_CompileToATable()
    {
        (string[] ids, Compilation output) = AnalyzerRun.Generate("""
            [Syscall(0, "read", SyscallSupport.Real)]
            internal static async KTask<SyscallResult> Read(Task t, Fd fd, [Strace("buffer:2")] UserPtr<byte> p, ulong n) => default;
            [Syscall(2, "open", SyscallSupport.Partial, Note = "a|b")]
            internal static SyscallResult Open(Task t, VirtAddr path, OpenFlags flags, ushort mode) => default;
            """);

        Assert.Empty(ids);
        Assert.Empty(output.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error));
        string text = output.SyntaxTrees.Last().ToString();
        Assert.Contains("new global::Vitrine.Abi.Fd(unchecked((int)a.A0))", text, StringComparison.Ordinal);
        Assert.Contains("((global::Vitrine.Abi.OpenFlags)unchecked((uint)a.A1))", text, StringComparison.Ordinal);
        Assert.Contains("OpenFlags\t1\tO_RDONLY=0\tO_CREAT=64", text, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingCall_IsDescribedButNotDispatched()
    {
        (_, Compilation output) = AnalyzerRun.Generate("""
            [Syscall(7, "poll", SyscallSupport.Missing)]
            internal static SyscallResult Poll(Task t) => default;
            """);

        string text = output.SyntaxTrees.Last().ToString();
        Assert.DoesNotContain("case 7", text, StringComparison.Ordinal);
        Assert.Contains("7\tpoll\t0", text, StringComparison.Ordinal);
    }

    [Fact]
    public void NumberDeclaredTwice_IsAnError() => Assert.Equal(["VT1001"], AnalyzerRun.Generate("""
        [Syscall(1, "a", SyscallSupport.Real)] internal static SyscallResult A(Task t) => default;
        [Syscall(1, "b", SyscallSupport.Real)] internal static SyscallResult B(Task t) => default;
        """).Ids);

    [Theory]
    [InlineData("internal static int F(Task t) => 0;")]
    [InlineData("private static SyscallResult F(Task t) => default;")]
    [InlineData("internal static SyscallResult F(int t) => default;")]
    [InlineData("internal static SyscallResult F(Task t, string s) => default;")]
    [InlineData("internal static SyscallResult F(Task t, ref int s) => default;")]
    [InlineData("internal static SyscallResult F(Task t, int a, int b, int c, int d, int e, int f, int g) => default;")]
    public void WrongSignature_IsAnError(string method) =>
        Assert.Equal(["VT1002"], AnalyzerRun.Generate("[Syscall(1, \"a\", SyscallSupport.Real)] " + method).Ids);
}
