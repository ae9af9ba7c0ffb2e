import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildSteps.ScriptBuildStep
import jetbrains.buildServer.configs.kotlin.buildSteps.script
import jetbrains.buildServer.configs.kotlin.triggers.vcs

version = "2025.07"

project {
    buildType(Deploy)
    buildType(Preview)
}

object Deploy : BuildType({
    name = "Deploy"
    type = Type.DEPLOYMENT
    maxRunningBuilds = 1

    vcs {
        root(DslContext.settingsRoot)
    }

    params {
        // TeamCity makes the reference when a password is entered.
        password("env.SEVALLA_TOKEN", "credentialsJSON:00000000-0000-0000-0000-000000000000")
        param("env.SEVALLA_APP_ID", "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11")
        param("env.SEVALLA_EXPECTED_COMMIT", "%build.vcs.number%")
        param("env.SEVALLA_ON_COMMIT_MISMATCH", "fail")
        // The first step sets it; declared, a build needs no agent that has it.
        param("env.SEVALLA_OUT_URL", "")
    }

    steps {
        script {
            name = "Deploy to Sevalla"
            scriptContent = "sevalla-deploy"
            dockerImage = "ghcr.io/OWNER/sevalla-deploy:v1"
            dockerImagePlatform = ScriptBuildStep.ImagePlatform.Linux
        }
        script {
            name = "Address"
            scriptContent = "echo %env.SEVALLA_OUT_URL%"
        }
    }

    triggers {
        vcs {
            branchFilter = "+:<default>"
        }
    }
})

object Preview : BuildType({
    name = "Preview"

    vcs {
        root(DslContext.settingsRoot)
    }

    params {
        password("env.SEVALLA_TOKEN", "credentialsJSON:00000000-0000-0000-0000-000000000000")
        param("env.SEVALLA_ACTION", "create-preview-app")
        param("env.SEVALLA_PIPELINE_ID", "54fb80af-576c-4fdc-ba4f-b596c83f15a1")
        param("env.SEVALLA_BRANCH", "%teamcity.pullRequest.source.branch%")
        param("env.SEVALLA_PULL_REQUEST_NUMBER", "%teamcity.pullRequest.number%")
    }

    steps {
        script {
            name = "Preview on Sevalla"
            scriptContent = "sevalla-deploy"
            dockerImage = "ghcr.io/OWNER/sevalla-deploy:v1"
            dockerImagePlatform = ScriptBuildStep.ImagePlatform.Linux
        }
    }

    triggers {
        vcs {
            branchFilter = "+:pull/*"
        }
    }
})
