using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Vitrine.Generators.Analyzers;

/// <summary>
/// VT0003: kernel code waits on something that isn't the kernel's, which would resume it on a host thread without
/// the kernel lock. In an async KTask method only the kernel's awaitables may be awaited, and in the machine's
/// projects an async method returns a KTask.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ForeignAwaitAnalyzer : DiagnosticAnalyzer
{
    private static readonly DiagnosticDescriptor Rule = new(
        "VT0003",
        "Foreign await in kernel code",
        "{0}",
        "Vitrine.Tasks",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Rule];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(Examine, OperationKind.Await, OperationKind.Using, OperationKind.UsingDeclaration, OperationKind.Loop);
        context.RegisterSymbolAction(ExamineMethod, SymbolKind.Method);
    }

    private static void ExamineMethod(SymbolAnalysisContext context)
    {
        var method = (IMethodSymbol)context.Symbol;
        if (method.IsAsync && !KernelTypes.IsKernelTask(method.ReturnType) && IsKernelCode(method))
        {
            context.ReportDiagnostic(Diagnostic.Create(
                Rule,
                method.Locations[0],
                $"The async method '{method.Name}' of the machine must return a KTask"));
        }
    }

    private static void Examine(OperationAnalysisContext context)
    {
        if (!KernelTypes.IsKernelTask(EnclosingReturnType(context.Operation, context.ContainingSymbol)))
            return;
        switch (context.Operation)
        {
            case IAwaitOperation { Operation.Type: { } type } when !KernelTypes.IsOurs(type.ContainingAssembly):
                Report(context, $"'{type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)}' is not the kernel's to wait on");
                break;
            case IForEachLoopOperation { IsAsynchronous: true }:
                Report(context, "'await foreach' is not for kernel code");
                break;
            case IUsingOperation { IsAsynchronous: true } or IUsingDeclarationOperation { IsAsynchronous: true }:
                Report(context, "'await using' is not for kernel code");
                break;
        }
    }

    /// <summary>The return type of the innermost function: a lambda inside a kernel method may be the host's.</summary>
    private static ITypeSymbol? EnclosingReturnType(IOperation operation, ISymbol containing)
    {
        for (IOperation? o = operation.Parent; o is not null; o = o.Parent)
        {
            switch (o)
            {
                case IAnonymousFunctionOperation lambda:
                    return lambda.Symbol.ReturnType;
                case ILocalFunctionOperation local:
                    return local.Symbol.ReturnType;
            }
        }

        return (containing as IMethodSymbol)?.ReturnType;
    }

    private static bool IsKernelCode(ISymbol symbol) =>
        KernelTypes.IsMachineAssembly(symbol.ContainingAssembly)
        && !KernelTypes.IsWithin(symbol, "HostBoundaryAttribute")
        && !KernelTypes.IsTaskRuntime(symbol);

    private static void Report(OperationAnalysisContext context, string message) =>
        context.ReportDiagnostic(Diagnostic.Create(Rule, context.Operation.Syntax.GetLocation(), message));
}
