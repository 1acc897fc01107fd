using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Vitrine.Generators.Analyzers;
using Vitrine.Generators.Syscalls;

namespace Vitrine.Generators.Tests;

/// <summary>Compiles a piece of source as an assembly of the machine and runs our analyzers or generator over it.</summary>
internal static class AnalyzerRun
{
    /// <summary>The kernel's shapes that the rules recognise, reduced to their signatures.</summary>
    private const string Prelude = """
        global using System;
        global using System.Collections.Generic;
        global using Vitrine.Abi;
        global using Vitrine.Kernel;
        namespace Vitrine.Abi
        {
            class MustUseAttribute : Attribute;
            class HostBoundaryAttribute(string reason) : Attribute { public string Reason => reason; }
            class KernelTaskRuntimeAttribute : Attribute;
            [MustUse] struct Result<T>;
            [MustUse] struct SyscallResult { public static implicit operator SyscallResult(Errno e) => default; }
            enum Errno { ENOSYS = 38 }
            readonly record struct Fd(int Value);
            readonly record struct VirtAddr(ulong Value);
            readonly record struct UserPtr<T>(VirtAddr Address) where T : unmanaged;
            [Flags] enum OpenFlags : uint { O_RDONLY = 0, O_CREAT = 64 }
        }
        namespace Vitrine.Kernel.Syscalls
        {
            enum SyscallSupport { Missing = 0, Partial = 1, Real = 2 }
            class SyscallAttribute(int number, string name, SyscallSupport support) : Attribute { public string Note { get; set; } }
            class StraceAttribute(string format) : Attribute;
            readonly record struct SyscallArguments(ulong A0, ulong A1, ulong A2, ulong A3, ulong A4, ulong A5);
            class SyscallInfo { public static SyscallInfo[] Parse(string s) => null; }
            class StraceConstantSet { public static Dictionary<string, StraceConstantSet> Parse(string s) => null; }
        }
        namespace Vitrine.Kernel.Tasks { class Task; }
        namespace Vitrine.Kernel
        {
            using System.Runtime.CompilerServices;
            [AsyncMethodBuilder(typeof(KTaskMethodBuilder<>))]
            struct KTask<T> { public KTaskAwaiter<T> GetAwaiter() => default; }
            struct KTaskAwaiter<T> : INotifyCompletion { public bool IsCompleted => true; public T GetResult() => default; public void OnCompleted(Action a) { } }
            [AsyncMethodBuilder(typeof(KTaskMethodBuilder))]
            struct KTask { public KTaskAwaiter<int> GetAwaiter() => default; }
            struct KTaskMethodBuilder<T>
            {
                public static KTaskMethodBuilder<T> Create() => default;
                public KTask<T> Task => default;
                public void SetResult(T r) { }
                public void SetException(Exception e) { }
                public void SetStateMachine(IAsyncStateMachine m) { }
                public void Start<M>(ref M m) where M : IAsyncStateMachine { }
                public void AwaitOnCompleted<A, M>(ref A a, ref M m) where A : INotifyCompletion where M : IAsyncStateMachine { }
                public void AwaitUnsafeOnCompleted<A, M>(ref A a, ref M m) where A : INotifyCompletion where M : IAsyncStateMachine { }
            }
            struct KTaskMethodBuilder
            {
                public static KTaskMethodBuilder Create() => default;
                public KTask Task => default;
                public void SetResult() { }
                public void SetException(Exception e) { }
                public void SetStateMachine(IAsyncStateMachine m) { }
                public void Start<M>(ref M m) where M : IAsyncStateMachine { }
                public void AwaitOnCompleted<A, M>(ref A a, ref M m) where A : INotifyCompletion where M : IAsyncStateMachine { }
                public void AwaitUnsafeOnCompleted<A, M>(ref A a, ref M m) where A : INotifyCompletion where M : IAsyncStateMachine { }
            }
        }
        """;

    private static readonly ImmutableArray<MetadataReference> References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(p => Path.GetFileName(p).StartsWith("System.", StringComparison.Ordinal))
            .Select(p => MetadataReference.CreateFromFile(p))];

    /// <summary>The ids that our analyzers report for the members, in order of position; the source must compile.</summary>
    public static string[] Diagnose(string members, string assembly = "Vitrine.Kernel")
    {
        CSharpCompilation compilation = Compile("class Subject\n{\n" + members + "\n}", assembly);
        Assert.Empty(compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error));
        ImmutableArray<DiagnosticAnalyzer> analyzers =
            [new DroppedResultAnalyzer(), new StoredTaskAnalyzer(), new ForeignAwaitAnalyzer(), new BannedApiAnalyzer()];
        ImmutableArray<Diagnostic> found = compilation.WithAnalyzers(analyzers).GetAnalyzerDiagnosticsAsync().GetAwaiter().GetResult();
        return [.. found.OrderBy(d => d.Location.SourceSpan.Start).Select(d => d.Id)];
    }

    /// <summary>Runs the syscall generator: its diagnostics and the compilation with what it generated.</summary>
    public static (string[] Ids, Compilation Output) Generate(string members)
    {
        CSharpCompilation compilation = Compile(
            "using Vitrine.Kernel.Syscalls; using Vitrine.Kernel.Tasks;\nstatic class Subject\n{\n" + members + "\n}", "Vitrine.Kernel");
        CSharpGeneratorDriver.Create(new SyscallGenerator())
            .WithUpdatedParseOptions((CSharpParseOptions)compilation.SyntaxTrees[0].Options)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> found);
        return ([.. found.Select(d => d.Id)], output);
    }

    private static CSharpCompilation Compile(string source, string assembly)
    {
        var parse = new CSharpParseOptions(LanguageVersion.Preview);
        return CSharpCompilation.Create(
            assembly,
            [CSharpSyntaxTree.ParseText(Prelude, parse), CSharpSyntaxTree.ParseText(source, parse)],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Disable));
    }
}
